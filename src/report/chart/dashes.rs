/// Cuts a line into dashes of about `on` pixels, `off` apart.
pub(super) fn dashes(points: &[(f64, f64)], on: f64, off: f64) -> Vec<Vec<(f64, f64)>> {
    if off <= 0.0 {
        return vec![points.to_vec()];
    }
    let (mut dashes, mut dash, mut left, mut drawing) = (Vec::new(), Vec::new(), on, true);
    for pair in points.windows(2) {
        let ((mut x, mut y), (to_x, to_y)) = (pair[0], pair[1]);
        if drawing && dash.is_empty() {
            dash.push((x, y));
        }
        loop {
            let length = (to_x - x).hypot(to_y - y);
            if length <= left {
                left -= length;
                if drawing {
                    dash.push((to_x, to_y));
                }
                break;
            }
            (x, y) = (x + (to_x - x) * left / length, y + (to_y - y) * left / length);
            if drawing {
                dash.push((x, y));
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash.push((x, y));
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
    }
    if dash.len() > 1 {
        dashes.push(dash);
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dashes_lie_on_the_line_and_never_run_for_ever(points in prop::collection::vec((0.0f64..900.0, 0.0f64..400.0), 0..20)) {
            let length: f64 = points.windows(2).map(|pair| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1)).sum();
            let dashes = dashes(&points, 7.0, 5.0);
            prop_assert!(dashes.len() as f64 <= length / 12.0 + 2.0);
        }
    }
}
