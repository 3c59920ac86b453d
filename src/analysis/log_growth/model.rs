use crate::units::{Bytes, Percent};

/// So many templates are told one by one.
pub const TEMPLATES_SHOWN: usize = 10;

/// After which lines the memory was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct LogGrowth {
    /// The sum of all rises: those of the templates, of the others, and what was taken before the first line or after lines
    /// that were left out.
    pub total: Bytes,
    /// What was taken before the first line.
    pub before_first_line: Bytes,
    /// What was taken while lines were left out of the log.
    pub unseen: Unseen,
    /// Those with the largest rises, the largest first: at most [`TEMPLATES_SHOWN`], none without a rise.
    pub templates: Vec<TemplateGrowth>,
    /// All others together.
    pub others: OtherTemplates,
}

/// What was taken after the lines of one template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateGrowth {
    /// What its lines have in common: `processing batch <n>`.
    pub template: String,
    /// The first of its lines, up to 200 characters of it.
    pub example: String,
    /// How many lines there were; never 0.
    pub lines: u64,
    /// The most memory that stood at one time of what was taken after its lines.
    pub rise: Bytes,
    /// `rise` as a share of the total.
    pub share: Percent,
}

impl TemplateGrowth {
    /// The rise that comes to one line.
    #[must_use]
    pub fn each(&self) -> Bytes {
        Bytes(self.rise.0 / self.lines.max(1))
    }
}

/// Lines of which nothing is known but their number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unseen {
    /// How many; 0 where none was left out.
    pub lines: u64,
    /// What was taken from the first of them until the next line that tells.
    pub rise: Bytes,
}

/// Templates that are not told one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OtherTemplates {
    /// How many; None where there were too many to be counted.
    pub templates: Option<u64>,
    /// Lines of theirs.
    pub lines: u64,
    /// The sum of their rises.
    pub rise: Bytes,
}
