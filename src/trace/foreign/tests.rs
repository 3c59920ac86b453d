use super::lines::Pieces;
use super::*;
use proptest::prelude::*;

fn read_text(text: &str) -> Result<Recording> {
    read_from(text.as_bytes(), "`a.csv`", &Columns { zone: Some(TimeZone::UTC), ..Columns::default() })
}

fn read_with(text: &str, columns: &Columns) -> Result<Recording> {
    read_from(text.as_bytes(), "`a.csv`", columns)
}

/// Milliseconds since the first row, and bytes.
fn points(recording: &Recording) -> Vec<(u128, u64)> {
    recording.points.iter().map(|point| (point.at.as_millis(), point.memory.0)).collect()
}

fn error(text: &str) -> String {
    format!("{:#}", read_text(text).unwrap_err())
}

#[test]
fn a_log_of_times_and_bytes_needs_no_header() {
    let recording = read_text("1795604665.45,527032320\n1795604665.5,527147008\n1795604665.55,527147000\n").unwrap();
    assert_eq!(points(&recording), [(0, 527_032_320), (50, 527_147_008), (100, 527_147_000)]);
    assert_eq!(recording.began.map(Timestamp::as_millisecond), Some(1_795_604_665_450));
    assert_eq!((recording.format, recording.rows, recording.warnings.len()), (Format::Table, 3, 0));
}

#[test]
fn a_gap_is_longer_than_three_times_the_spacing_that_three_of_four_rows_keep() {
    let rows = |times: &[u64]| times.iter().map(|at| format!("{at},{}\n", 4096 * (at + 1))).collect::<String>();
    let gaps = |times: &[u64]| {
        let curve = read_text(&rows(times)).unwrap().into_curve();
        curve.gaps.iter().map(|gap| (gap.from.as_secs(), gap.until.as_secs())).collect::<Vec<_>>()
    };
    assert_eq!(gaps(&[0, 5, 10, 15, 30, 35, 40, 60, 65]), [(40, 60)], "two rows may be missing");
    assert_eq!(gaps(&[0, 3600, 7200, 10_800]), [], "a monitor of a row an hour");
    assert_eq!(gaps(&[0, 9000]), []);
    assert_eq!(gaps(&[0]), []);
}

#[test]
fn times_are_seconds_or_smaller_since_1970_or_since_the_beginning_or_dates() {
    for (rows, absolute) in [
        ("0,1048576\n2,1\n", false),
        ("10.5,1048576\n12.5,1\n", false),
        ("1795604665,1048576\n1795604667,1\n", true),
        ("1795604665000,1048576\n1795604667000,1\n", true),
        ("1795604665000000,1048576\n1795604667000000,1\n", true),
        ("1795604665000000000,1048576\n1795604667000000000,1\n", true),
        ("2026-01-31T12:00:00Z,1048576\n2026-01-31T12:00:02Z,1\n", true),
        ("2026-01-31 12:00:00,1048576\n2026-01-31 12:00:02,1\n", true),
        ("time_ms,bytes\n5,1048576\n2005,1\n", false),
        ("elapsed (min),bytes\n0,1048576\n0.0333333333,1\n", false),
    ] {
        let recording = read_text(rows).unwrap();
        assert_eq!(points(&recording)[1].0.div_ceil(10), 200, "{rows}");
        assert_eq!(recording.began.is_some(), absolute, "{rows}");
    }
}

#[test]
fn a_table_is_read_by_the_names_of_its_columns() {
    let text = "\u{feff}Time;CPU;RSS (MiB);Note\r\n0,5;3;1,5;a\r\n1,5;4;2;b\r\n";
    assert_eq!(points(&read_text(text).unwrap()), [(0, 3 << 19), (1000, 2 << 20)]);
    let text = "name,when,heap\n\"a, b\",0,7 MiB\n\"c\",1,8 MiB\n";
    let columns = Columns { time: Some("when".into()), memory: Some("3".into()), ..Columns::default() };
    assert_eq!(points(&read_with(text, &columns).unwrap()), [(0, 7 << 20), (1000, 8 << 20)]);
    let columns = Columns { unit: Some(Bytes(1024)), ..Columns::default() };
    assert_eq!(points(&read_with("time,rss\n0,2048\n", &columns).unwrap()), [(0, 2 << 20)]);
}

#[test]
fn what_a_table_leaves_open_is_asked_for() {
    for (text, told) in [
        ("time,mem_mb\n0,1\n", "line 1: the unit of `mem_mb` may be powers of 1000 or of 1024"),
        ("time,rss\n0,1.5\n", "line 2: the memory has a fraction (0,1.5) and no unit"),
        ("0,1,2\n1,2,3\n", "line 1: there is no header, and it has 3 columns"),
        ("time,heap\n0,1\n", "no column is known to be the memory"),
        ("hello world\n", "no column is known to be the time"),
        ("hello\n", "line 1: \"hello\" is no header of a table and no row of numbers"),
        ("time,rss\n", "has no row after its header"),
        ("", "is empty"),
        ("\n\n \n", "is empty"),
        ("\0\0\0\0", "is no text of numbers"),
    ] {
        let error = error(text);
        assert!(error.starts_with("`a.csv`") && error.contains(told), "{text:?}: {error}");
    }
    let error = read_from(&vec![b'x'; 1 << 30][..], "`a.csv`", &Columns::default()).unwrap_err().to_string();
    assert!(error.contains("is no text of numbers"), "{error}");
}

#[test]
fn bad_rows_are_left_out_and_counted() {
    let good = "0,10\n1,11\n2,12\n3,13\n4,14\n5,15\n6,16\n7,17\n8,18\n";
    for (rows, told) in [
        ("9,nan\n", "line 11: \"9,nan\" has no amount of memory that can be read; it is left out"),
        ("9,-5\n10,inf\n", "line 11: \"9,-5\" has no amount of memory that can be read; 2 such rows are left out"),
        ("x,19\n", "line 11: \"x,19\" has no time that can be read"),
        ("9,1,2\n", "line 11: \"9,1,2\" has another number of cells"),
        ("9\n", "line 11: \"9\" has another number of cells"),
        ("7.5,1\n", "line 11: \"7.5,1\" lies before the row before it"),
        ("9,1", "line 11: \"9,1\" has no line end: it may be cut off"),
        ("timestamp,rss\n", "line 11: \"timestamp,rss\" has no time"),
    ] {
        let recording = read_text(&format!("elapsed,bytes\n{good}{rows}")).unwrap();
        assert_eq!(recording.points.len(), 9, "{rows}");
        assert!(recording.warnings[0].contains(told), "{:?}", recording.warnings);
    }
    let long = format!("elapsed,bytes\n{good}{},1\n9,19\n", "9".repeat(200_000));
    assert_eq!(read_text(&long).unwrap().rows, 10);
    let recording = read_text(&format!("elapsed,bytes\n{good}8,30\n8,20\n")).unwrap();
    assert_eq!(points(&recording).last(), Some(&(8000, 30)), "of equal times the higher");
    assert!(recording.warnings.iter().all(|warning| warning.contains("names no unit")), "{:?}", recording.warnings);
}

#[test]
fn a_file_of_which_most_rows_are_bad_is_refused() {
    let error = error("time,bytes\n0,1\nx,1\ny,2\n");
    assert!(error.contains("line 3: \"x,1\" has no time that can be read") && error.contains("of 3 rows 1"), "{error}");
}

#[test]
fn decimal_commas_between_commas_are_never_taken_for_cells() {
    let error = error("time_s,memory_mib\n0,0,100,5\n0,5,200,25\n1,0,300,1\n");
    assert!(
        error.contains("line 2: \"0,0,100,5\" has another number of cells") && error.contains("of 3 rows 0"),
        "{error}"
    );
    let ended = read_text("time_s,memory_mib\n0,1,\n1,2,\n").unwrap();
    assert_eq!(ended.rows, 2, "a comma at the end of each row is no cell");
    let semicolons = read_text("time_s;memory_mib\n0,5;1,5\n1,5;2,5\n").unwrap();
    assert_eq!(points(&semicolons), [(0, 3 << 19), (1000, 5 << 19)]);
}

#[test]
fn mprof_children_count_with_the_process_and_functions_are_lines() {
    let text = "CMDLINE old\nMEM 1.0 100.0\nCMDLINE python3 a.py\nMEM 2.0 200.0\nCHLD 1 0.5 200.1\nCHLD 2 0.5 200.2\n\
                MEM 4.0 201.0\nFUNC __main__.load 2.0 200.5000 4.0 201.0000 0\n";
    let recording = read_text(text).unwrap();
    assert_eq!(points(&recording), [(0, 3 << 20), (1000, 4 << 20)]);
    assert_eq!(recording.command.as_deref(), Some("python3 a.py"));
    assert_eq!((recording.lines[0].at.as_millis(), &*recording.lines[0].text), (500, "function __main__.load"));
    assert!(recording.warnings[0].contains("holds 2 runs"), "{:?}", recording.warnings);
    assert!(error("CMDLINE a\n").contains("has no row") || error("CMDLINE a\n").contains("no `MEM` row"));
}

#[test]
fn a_long_recording_is_thinned_to_the_highest_of_every_stretch() {
    let rows: String = (0u64..300_000).map(|row| format!("{row},{}\n", (row * 7919) % 100_003)).collect();
    let recording = read_text(&format!("time,bytes\n{rows}")).unwrap();
    assert!(recording.points.len() <= MOST && recording.rows == 300_000);
    assert_eq!(recording.points.iter().map(|point| point.memory.0).max(), Some(100_002));
}

/// Rows of which most are numbers alone, and the others all that can come between them.
fn any_rows(separator: char) -> impl Strategy<Value = String> {
    let cell = prop_oneof![
        30 => "[0-9]{1,3}",
        10 => "[0-9]{1,9}\\.[0-9]{0,3}",
        1 => "[0-9]{9,20}(\\.[0-9]{0,12})?",
        1 => prop::sample::select(&["", "nan", "-5", "+7", "1e3", ".5", "7 MiB", "1,5", " 8 ", "#", "\"9\"", "\"a,b\"", "\"", "\u{fffd}"][..])
            .prop_map(str::to_owned),
    ];
    let end = prop_oneof![20 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r\r\n"), 1 => Just(" \n"), 1 => Just(",\n"), 1 => Just("")];
    let cells = prop_oneof![10 => Just(3), 1 => 0usize..5]
        .prop_flat_map(move |count| prop::collection::vec(cell.clone(), count));
    let row = (cells, end).prop_map(move |(cells, end)| cells.join(&separator.to_string()) + end);
    prop::collection::vec(row, 0..40).prop_map(|rows| rows.concat())
}

proptest! {
    /// Byte by byte no row is ever there whole, and all are read in the way that knows every kind.
    #[test]
    fn plain_rows_are_read_as_those_of_every_kind_are(
        (rows, header) in prop::sample::select(&[',', ';', '\t'][..]).prop_flat_map(|separator| {
            let headers = ["bytes,note,time", "time,note,bytes", "note,time_ms,rss_mib", "time,note,rss", "10,20,30"];
            let header = prop::sample::select(headers.to_vec());
            (any_rows(separator), header.prop_map(move |header| header.replace(',', &separator.to_string())))
        })
    ) {
        let text = format!("{header}\n{rows}");
        let numbered = header.starts_with("10").then_some(("1", "3"));
        let columns = Columns {
            time: numbered.map(|(time, _)| time.to_owned()),
            memory: numbered.map(|(_, memory)| memory.to_owned()),
            zone: Some(TimeZone::UTC),
            ..Columns::default()
        };
        let shown = |read: Result<Recording>| read.map(|recording| format!("{recording:?}")).map_err(|error| format!("{error:#}"));
        let at_once = shown(read_with(&text, &columns));
        prop_assert_eq!(at_once, shown(read_from(Pieces(text.as_bytes(), 1), "`a.csv`", &columns)));
    }

    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|[0-9.,;:eT \n\r\t\"#-]){0,200}") {
        let _ = read_text(&text);
        let _ = read_text(&format!("time,bytes\n{text}"));
        let _ = read_text(&format!("CMDLINE a\nMEM 1 1\n{text}"));
        let _ = read_text(&format!("# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n{text}"));
    }

    #[test]
    fn the_highest_row_of_a_file_is_kept(rows in prop::collection::vec((0u64..1000, 0u64..1_000_000), 1..200)) {
        let mut at = 0;
        let text: String = rows.iter().map(|(step, bytes)| {
            at += step;
            format!("{at},{bytes}\n")
        }).collect();
        let recording = read_text(&format!("time,bytes\n{text}")).unwrap();
        let highest = recording.points.iter().map(|point| point.memory.0).max();
        prop_assert_eq!(highest, rows.iter().map(|(_, bytes)| *bytes).max());
        prop_assert_eq!(recording.points.last().map(|point| point.at.as_secs()), Some(at - rows[0].0));
    }
}
