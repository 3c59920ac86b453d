//! The colours of the graph: for light pages as they are drawn, for dark ones as a style that puts others in their place.

use std::fmt::Write as _;

use plotters::style::RGBColor;

// Okabe and Ito's colours, which colour-blind readers tell apart; those that text is written in are darker, to be read.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const ORANGE: RGBColor = RGBColor(198, 127, 0);
pub(super) const GREEN: RGBColor = RGBColor(0, 121, 90);
pub(super) const RED: RGBColor = RGBColor(194, 78, 0);
pub(super) const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub(super) const SKY: RGBColor = RGBColor(86, 180, 233);
pub(super) const OVERLAID: [RGBColor; 6] = [BLUE, RED, GREEN, PURPLE, ORANGE, SKY];
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
pub(super) const INK: RGBColor = RGBColor(32, 36, 42);
pub(super) const FAINT: RGBColor = RGBColor(91, 101, 112);
pub(super) const GRID: RGBColor = RGBColor(228, 231, 235);
pub(super) const SHADE: RGBColor = RGBColor(240, 244, 248);
pub(super) const RAMP: RGBColor = RGBColor(243, 201, 168);
pub(super) const GROWTH: RGBColor = RGBColor(245, 227, 163);
pub(super) const PLATEAU: RGBColor = RGBColor(226, 230, 234);
pub(super) const DROP: RGBColor = RGBColor(201, 228, 245);
/// Of programs, the last of all that are not told apart.
pub(super) const BANDS: [RGBColor; 8] = [
    RGBColor(156, 203, 232),
    RGBColor(243, 205, 136),
    RGBColor(155, 214, 194),
    RGBColor(230, 186, 211),
    RGBColor(239, 229, 154),
    RGBColor(234, 179, 156),
    RGBColor(181, 192, 234),
    RGBColor(211, 216, 221),
];

/// Each colour that is another on a dark page, and which.
const DARK: [(RGBColor, RGBColor); 22] = [
    (PAPER, RGBColor(28, 32, 37)),
    (INK, RGBColor(232, 234, 237)),
    (FAINT, RGBColor(163, 173, 184)),
    (GRID, RGBColor(48, 55, 62)),
    (SHADE, RGBColor(33, 41, 50)),
    (BLUE, RGBColor(92, 184, 238)),
    (ORANGE, RGBColor(230, 159, 0)),
    (GREEN, RGBColor(47, 191, 149)),
    (RED, RGBColor(255, 138, 74)),
    (SKY, RGBColor(74, 148, 194)),
    (RAMP, RGBColor(107, 63, 32)),
    (GROWTH, RGBColor(92, 78, 27)),
    (PLATEAU, RGBColor(51, 58, 66)),
    (DROP, RGBColor(31, 74, 102)),
    (BANDS[0], RGBColor(44, 105, 141)),
    (BANDS[1], RGBColor(132, 96, 31)),
    (BANDS[2], RGBColor(34, 106, 86)),
    (BANDS[3], RGBColor(120, 76, 102)),
    (BANDS[4], RGBColor(109, 102, 32)),
    (BANDS[5], RGBColor(132, 72, 47)),
    (BANDS[6], RGBColor(72, 85, 143)),
    (BANDS[7], RGBColor(74, 82, 91)),
];

/// A style that an SVG drawn in these colours can carry: on screens that are dark it is dark, on paper never.
pub(super) fn dark_style() -> String {
    let hex = |RGBColor(red, green, blue): RGBColor| format!("#{red:02X}{green:02X}{blue:02X}");
    let mut style = String::from("<style>@media screen and (prefers-color-scheme: dark){");
    for (light, dark) in DARK {
        let (light, dark) = (hex(light), hex(dark));
        let _ = write!(style, "[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}");
    }
    style + "}</style>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::Color as _;

    /// By WCAG 2.2.
    fn contrast(one: RGBColor, other: RGBColor) -> f64 {
        let light = |colour: RGBColor| {
            let (red, green, blue) = colour.rgb();
            let part = |value: u8| {
                let share = f64::from(value) / 255.0;
                if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue) + 0.05
        };
        let (one, other) = (light(one), light(other));
        one.max(other) / one.min(other)
    }

    fn dark(colour: RGBColor) -> RGBColor {
        DARK.iter().find(|(light, _)| *light == colour).map_or(colour, |(_, dark)| *dark)
    }

    #[test]
    fn no_two_colours_are_the_same_so_that_each_can_be_replaced() {
        for (index, (light, _)) in DARK.iter().enumerate() {
            assert!(DARK[index + 1..].iter().all(|(other, _)| other != light), "{light:?}");
        }
    }

    #[test]
    fn every_text_can_be_read_on_what_lies_behind_it_in_light_and_dark() {
        let grounds = [PAPER, SHADE, RAMP, GROWTH, PLATEAU, DROP].into_iter().chain(BANDS);
        for ground in grounds {
            assert!(contrast(INK, ground) >= 4.5 && contrast(dark(INK), dark(ground)) >= 4.5, "{ground:?}");
        }
        for text in [FAINT, GREEN, RED] {
            assert!(contrast(text, PAPER) >= 4.5 && contrast(dark(text), dark(PAPER)) >= 4.5, "{text:?}");
        }
    }
}
