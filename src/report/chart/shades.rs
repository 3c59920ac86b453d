//! Behind the curves: phases, and where nothing was measured.

use anyhow::Result;
use plotters::prelude::*;

use super::draw::{Sheet, failed};
use super::labels::Labels;
use super::model::ChartModel;
use super::palette::{FAINT, GRID, SHADE};
use super::scales::{FRAME, Scales};

impl<B: DrawingBackend> Sheet<'_, B> {
    pub(super) fn shades(&self, model: &ChartModel, scales: &Scales, labels: &mut Labels) -> Result<()> {
        for shade in &model.shades {
            let (from, until) = (scales.x(shade.from), scales.x(shade.until));
            let corners = [self.at(from, FRAME.top), self.at(until, FRAME.bottom())];
            self.area().draw(&Rectangle::new(corners, SHADE.filled())).map_err(failed)?;
            for x in [from, until] {
                self.stroke(&[(x, FRAME.top), (x, FRAME.bottom())], GRID.mix(1.0), 1.0)?;
            }
            if let Some(place) = labels.place(&shade.label, 12.0, &[(from + 4.0, FRAME.top + 2.0)]) {
                self.write(&shade.label, (place.left, place.top), 12.0, FAINT)?;
            }
        }
        Ok(())
    }

    /// Shades the stretches in which the main curve was not measured.
    pub(super) fn gaps(&self, model: &ChartModel, scales: &Scales) -> Result<()> {
        for gap in model.main().into_iter().flat_map(|main| &main.gaps) {
            let corners = [self.at(scales.x(gap.from), FRAME.top), self.at(scales.x(gap.until), FRAME.bottom())];
            self.area().draw(&Rectangle::new(corners, GRID.filled())).map_err(failed)?;
        }
        Ok(())
    }
}
