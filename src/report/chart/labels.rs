/// A rectangle in pixels, y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right() && other.left < self.right() && self.top < other.bottom() && other.top < self.bottom()
    }

    /// The same size, moved as little as it takes to lie within.
    fn moved_into(mut self, frame: &Self) -> Self {
        self.left = self.left.min(frame.right() - self.width).max(frame.left);
        self.top = self.top.min(frame.bottom() - self.height).max(frame.top);
        self
    }
}

/// How wide a text is drawn, near enough to leave room for it: DejaVu Sans is about 0.6 em a character.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    unicode_width::UnicodeWidthStr::width(text) as f64 * size * 0.61
}

/// Finds room for labels: inside the frame, and not over one another.
#[derive(Debug)]
pub(super) struct Labels {
    frame: Rect,
    taken: Vec<Rect>,
}

impl Labels {
    pub(super) fn new(frame: Rect) -> Self {
        Self { frame, taken: Vec::new() }
    }

    /// Whether this very place is free; it is taken then.
    pub(super) fn place_at(&mut self, text: &str, size: f64, (left, top): (f64, f64)) -> bool {
        let wanted = Rect { left, top, width: text_width(text, size), height: size * 1.3 };
        let free = wanted == wanted.moved_into(&self.frame) && self.taken.iter().all(|other| !wanted.overlaps(other));
        if free {
            self.taken.push(wanted);
        }
        free
    }

    /// The first of the wished places that is free; else the nearest free one below or above; None where there is no room left.
    pub(super) fn place(&mut self, text: &str, size: f64, wishes: &[(f64, f64)]) -> Option<Rect> {
        let (width, height) = (text_width(text, size), size * 1.3);
        if width > self.frame.width || height > self.frame.height {
            return None;
        }
        let inside = |left, top| Rect { left, top, width, height }.moved_into(&self.frame);
        let free = |rect: &Rect| self.taken.iter().all(|other| !rect.overlaps(other));
        let wished = wishes.iter().map(|(left, top)| inside(*left, *top)).find(free);
        let found = wished.or_else(|| {
            let (left, top) = *wishes.first()?;
            let rows = (self.frame.height / height) as i32;
            let shifts = (1..=rows).flat_map(|row| [f64::from(row), -f64::from(row)]);
            shifts.map(|shift| inside(left, top + shift * height)).find(free)
        })?;
        self.taken.push(found);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_lie_inside_the_frame_and_never_on_one_another(
            wishes in prop::collection::vec((-50.0f64..1050.0, -50.0f64..550.0, "[a-z]{1,30}"), 0..12)
        ) {
            let frame = Rect { left: 90.0, top: 60.0, width: 880.0, height: 370.0 };
            let mut labels = Labels::new(frame);
            let placed: Vec<Rect> =
                wishes.iter().filter_map(|(left, top, text)| labels.place(text, 13.0, &[(*left, *top)])).collect();
            for (index, rect) in placed.iter().enumerate() {
                prop_assert!(rect.left >= frame.left - 1e-9 && rect.right() <= frame.right() + 1e-9);
                prop_assert!(rect.top >= frame.top - 1e-9 && rect.bottom() <= frame.bottom() + 1e-9);
                prop_assert!(placed[..index].iter().all(|other| !rect.overlaps(other)));
            }
        }
    }
}
