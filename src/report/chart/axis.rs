use std::time::Duration;

use crate::units::Bytes;

/// The marks of an axis: where, and what is written there. The last stands at or above the highest value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// The value at the far end.
    pub(super) end: f64,
    pub(super) ticks: Vec<(f64, String)>,
}

/// Memory from 0 to a little above `highest`, in steps that are round in IEC units.
pub(super) fn memory(highest: Bytes) -> Axis {
    // Room above for the peak's name.
    let wanted = (highest.as_f64() * 1.12).max(4096.0);
    let mut step = 1024.0;
    while wanted / step > 6.0 {
        step *= 2.0;
    }
    let count = (wanted / step).ceil() as u32;
    let ticks = (0..=count).map(|index| {
        let bytes = f64::from(index) * step;
        (bytes, round_bytes(bytes, step))
    });
    Axis { end: f64::from(count) * step, ticks: ticks.collect() }
}

/// `64 MiB`, `1.5 GiB`: as few digits as tell one mark from the next.
fn round_bytes(bytes: f64, step: f64) -> String {
    let (name, unit) = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .map(|(name, power)| (name, (1u64 << power) as f64))
        .into_iter()
        .find(|(_, unit)| bytes.max(step) >= *unit)
        .unwrap_or(("KiB", 1024.0));
    if bytes == 0.0 {
        return "0".into();
    }
    let value = bytes / unit;
    let digits = (0..4).find(|digits| (step / unit * 10f64.powi(*digits)).fract() == 0.0).unwrap_or(3);
    let digits = usize::try_from(digits).unwrap_or(0);
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {name}")
}

/// Time from 0 to `end`, in steps that are round in the unit that suits the span.
pub(super) fn time(end: Duration) -> Axis {
    let end = end.as_secs_f64().max(1e-3);
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 3600.0;
    const DAY: f64 = 86_400.0;
    let (name, unit) = match end {
        _ if end < 1.0 => ("ms", 1e-3),
        _ if end < 3.0 * MINUTE => ("s", 1.0),
        _ if end < 3.0 * HOUR => ("min", MINUTE),
        _ if end < 3.0 * DAY => ("h", HOUR),
        _ => ("d", DAY),
    };
    let span = end / unit;
    // Round in tens, but for hours and minutes, which come in twelves and sixties.
    let steps: &[f64] = match name {
        "min" => &[1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0],
        "h" => &[0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0],
        _ => &[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0],
    };
    let step =
        steps.iter().copied().find(|step| span / step <= 10.0).unwrap_or_else(|| 10f64.powf(span.log10().floor()));
    let digits = usize::from(step < 1.0);
    let count = (span / step + 1e-9).floor() as u32;
    let ticks = (0..=count).map(|index| {
        let value = f64::from(index) * step;
        (value * unit, if index == 0 { "0".into() } else { format!("{value:.digits$} {name}") })
    });
    Axis { end, ticks: ticks.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marks(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn memory_is_marked_in_round_iec_steps() {
        assert_eq!(
            marks(&memory(Bytes::from_mib(312))),
            ["0", "64 MiB", "128 MiB", "192 MiB", "256 MiB", "320 MiB", "384 MiB"]
        );
        assert_eq!(marks(&memory(Bytes(3 << 29))), ["0", "512 MiB", "1 GiB", "1.5 GiB", "2 GiB"]);
        assert_eq!(marks(&memory(Bytes::ZERO)), ["0", "1 KiB", "2 KiB", "3 KiB", "4 KiB"]);
    }

    #[test]
    fn time_is_marked_in_the_unit_that_suits_the_span() {
        assert_eq!(marks(&time(Duration::from_millis(30))), ["0", "5 ms", "10 ms", "15 ms", "20 ms", "25 ms", "30 ms"]);
        assert_eq!(marks(&time(Duration::from_secs(12))), ["0", "2 s", "4 s", "6 s", "8 s", "10 s", "12 s"]);
        assert_eq!(marks(&time(Duration::from_secs(3600))).last(), Some(&"60 min"));
        assert_eq!(marks(&time(Duration::from_secs(3 * 86_400))).last(), Some(&"3.0 d"));
    }

    proptest! {
        #[test]
        fn every_axis_has_a_few_marks_and_reaches_its_end(bytes in 0u64..1 << 50, micros in 0u64..1 << 50) {
            let memory = memory(Bytes(bytes));
            prop_assert!(memory.end >= bytes as f64 && (3..=8).contains(&memory.ticks.len()));
            let time = time(Duration::from_micros(micros));
            prop_assert!((1..=12).contains(&time.ticks.len()), "{:?}", time.ticks);
            prop_assert!(time.ticks.iter().all(|(at, _)| *at <= time.end * 1.0001));
        }
    }
}
