use crate::analysis::{CommandUse, Excerpt, LogGrowth, ProgramBands, Proposal};
use crate::trace::LogLine;

/// What reports show of a workload beside the judgement.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// The command lines whose processes had the most, of all its runs. The highest first.
    pub commands: Vec<CommandUse>,
    /// The last line that a run printed before its peak, by the number of the run. None of a run that printed none.
    pub peak_lines: Vec<(u32, LogLine)>,
    /// After which lines the memory was taken, in the run that the graph shows in full. None without lines or samples.
    pub log_growth: Option<LogGrowth>,
    /// Lines to stand beside the curve, of the run that the graph shows in full. Empty where there is none.
    pub excerpt: Excerpt,
    /// Who held the memory, in the run that the graph shows in full. None where that was not recorded.
    pub programs: Option<ProgramBands>,
    /// The `ready` to propose, from the run that the graph shows in full. None where the workload has one.
    pub proposal: Option<Proposal>,
}

impl Details {
    pub(super) fn peak_line(&self, run: u32) -> Option<&LogLine> {
        self.peak_lines.iter().find(|(number, _)| *number == run).map(|(_, line)| line)
    }
}
