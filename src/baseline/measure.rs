use crate::analysis::stats::median;
use crate::units::Quantity;

use super::Entry;

/// What a baseline stores of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoredMeasure {
    /// The largest value of the run.
    Peak,
    /// The largest value until ready.
    Startup,
    /// The level at the end of the steady part less the level at ready.
    Retained,
    /// How fast memory grows once start-up is over.
    Growth,
    /// The largest value in this phase.
    PhasePeak(String),
    /// How fast memory grows in this phase.
    PhaseGrowth(String),
}

impl std::fmt::Display for StoredMeasure {
    /// As tables write it: `peak`, `startup`, `load peak`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Peak => f.pad("peak"),
            Self::Startup => f.pad("startup"),
            Self::Retained => f.pad("retained"),
            Self::Growth => f.pad("growth"),
            Self::PhasePeak(phase) => f.pad(&format!("{phase} peak")),
            Self::PhaseGrowth(phase) => f.pad(&format!("{phase} growth")),
        }
    }
}

impl Entry {
    /// The median of the accepted runs; None where the measure is not stored.
    #[must_use]
    pub fn median(&self, measure: &StoredMeasure) -> Option<Quantity> {
        match measure {
            StoredMeasure::Peak => median(&self.peak).map(Into::into),
            StoredMeasure::Startup => median(&self.startup).map(Into::into),
            StoredMeasure::Retained => median(&self.retained).map(Into::into),
            StoredMeasure::Growth => median(&self.growth).map(Into::into),
            StoredMeasure::PhasePeak(phase) => median(self.phases.get(phase)?).map(Into::into),
            StoredMeasure::PhaseGrowth(phase) => median(self.phase_growth.get(phase)?).map(Into::into),
        }
    }

    /// Every measure that is stored, in the order in which the file holds them, with its median.
    #[must_use]
    pub fn medians(&self) -> Vec<(StoredMeasure, Quantity)> {
        [StoredMeasure::Peak, StoredMeasure::Startup, StoredMeasure::Retained, StoredMeasure::Growth]
            .into_iter()
            .chain(self.phases.keys().cloned().map(StoredMeasure::PhasePeak))
            .chain(self.phase_growth.keys().cloned().map(StoredMeasure::PhaseGrowth))
            .filter_map(|measure| self.median(&measure).map(|median| (measure, median)))
            .collect()
    }
}
