use std::sync::Once;

use plotters::style::{FontStyle, IntoFont as _, register_font};

use super::draw::PNG_TEXT;

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

    /// Whether a line through these points, which go to the right, comes into it.
    fn is_crossed_by(&self, curve: &[(f64, f64)]) -> bool {
        // The last point before it, and on from there.
        let first = curve.partition_point(|(x, _)| *x < self.left).saturating_sub(1);
        let near = curve[first..].windows(2).take_while(|pair| pair[0].0 <= self.right());
        near.filter(|pair| pair[1].0 >= self.left).any(|pair| {
            let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
            let level = |at: f64| if to_x > x { y + (to_y - y) * ((at - x) / (to_x - x)).clamp(0.0, 1.0) } else { y };
            let (from, to) = if to_x > x { (level(self.left), level(self.right())) } else { (y, to_y) };
            from.min(to) < self.bottom() && self.top < from.max(to)
        })
    }

    /// With so much room on every side.
    fn widened(&self, by: f64) -> Self {
        Self { left: self.left - by, top: self.top - by, width: self.width + 2.0 * by, height: self.height + 2.0 * by }
    }

    /// The same size, moved as little as it takes to lie within.
    fn moved_into(mut self, frame: &Self) -> Self {
        self.left = self.left.min(frame.right() - self.width).max(frame.left);
        self.top = self.top.min(frame.bottom() - self.height).max(frame.top);
        self
    }
}

/// The font is part of the program: a machine without fonts draws the same picture.
pub(super) fn load_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only for bytes that are no font.
        let _ = register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font("sans-serif", FontStyle::Bold, dejavu::sans::bold());
    });
}

/// How wide a text is drawn, by the program's own font: it is a wide one, and what shows an SVG may use another.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    // Widths are told in whole pixels.
    const FINE: f64 = 16.0;
    load_font();
    let told = ("sans-serif", size * PNG_TEXT * FINE).into_font().box_size(text);
    // Characters that the font lacks are told as nothing. Those of East Asia, two columns wide, are as wide as high.
    let least = unicode_width::UnicodeWidthStr::width(text) as f64 * size * 0.5;
    told.map_or(0.0, |(width, _)| f64::from(width) / FINE).max(least)
}

/// Between a label and a curve.
const AIR: f64 = 1.5;

/// Finds room for labels: inside the frame, not over one another, and where that can be, not over a curve.
#[derive(Debug)]
pub(super) struct Labels {
    frame: Rect,
    taken: Vec<Rect>,
    /// Curves: each from point to point, from left to right.
    curves: Vec<Vec<(f64, f64)>>,
}

impl Labels {
    pub(super) fn new(frame: Rect) -> Self {
        Self { frame, taken: Vec::new(), curves: Vec::new() }
    }

    /// From now on labels stand beside this curve rather than on it.
    pub(super) fn keep_off(&mut self, curve: Vec<(f64, f64)>) {
        self.curves.push(curve);
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

    /// Of the wished places that are free the one on the fewest curves, the first of several; else the nearest free one below or
    /// above; None where there is no room left.
    pub(super) fn place(&mut self, text: &str, size: f64, wishes: &[(f64, f64)]) -> Option<Rect> {
        let (width, height) = (text_width(text, size), size * 1.3);
        if width > self.frame.width || height > self.frame.height {
            return None;
        }
        let inside = |left, top| Rect { left, top, width, height }.moved_into(&self.frame);
        let free = |rect: &Rect| self.taken.iter().all(|other| !rect.overlaps(other));
        let crossings = |rect: &Rect| {
            let wide = rect.widened(AIR);
            self.curves.iter().filter(|curve| wide.is_crossed_by(curve)).count()
        };
        let wished = wishes.iter().map(|(left, top)| inside(*left, *top)).filter(free).min_by_key(crossings);
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

    const FRAME: Rect = Rect { left: 90.0, top: 60.0, width: 880.0, height: 370.0 };

    #[test]
    fn of_the_wished_places_the_first_on_the_fewest_curves_is_taken() {
        let mut labels = Labels::new(FRAME);
        labels.keep_off(vec![(100.0, 400.0), (300.0, 100.0), (300.0, 300.0), (900.0, 300.0)]);
        let mut at = |wishes: &[(f64, f64)]| labels.place("label", 10.0, wishes).map(|rect| (rect.left, rect.top));
        assert_eq!(at(&[(180.0, 240.0), (500.0, 295.0), (500.0, 280.0)]), Some((500.0, 280.0)));
        assert_eq!(at(&[(290.0, 200.0), (310.0, 200.0)]), Some((310.0, 200.0)));
        assert_eq!(at(&[(700.0, 290.0)]), Some((700.0, 290.0)), "rather on a curve than nowhere");
        labels.keep_off(vec![(600.0, 60.0), (600.0, 430.0)]);
        let mut at = |wishes: &[(f64, f64)]| labels.place("label", 10.0, wishes).map(|rect| (rect.left, rect.top));
        assert_eq!(at(&[(590.0, 295.0), (590.0, 200.0)]), Some((590.0, 200.0)), "on one rather than on two");
        assert_eq!(at(&[(590.0, 100.0), (603.0, 100.0)]), Some((603.0, 100.0)), "beside a line");
    }

    proptest! {
        #[test]
        fn labels_lie_inside_the_frame_and_never_on_one_another(
            wishes in prop::collection::vec((-50.0f64..1050.0, -50.0f64..550.0, "[a-z]{1,30}"), 0..12)
        ) {
            let frame = FRAME;
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
