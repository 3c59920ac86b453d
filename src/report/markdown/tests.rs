use super::*;

fn part(rank: u8, what: &'static str, size: usize) -> Part {
    Part { rank, what, text: "x".repeat(size) }
}

#[test]
fn the_least_important_goes_first_and_is_told() {
    let parts =
        vec![part(0, "verdict", 100), part(3, "chart", 500), part(1, "explanation", 300), part(3, "chart", 500)];
    let text = fit(parts, 1_400);
    assert!(text.len() <= 1_400 && text.contains("1 × chart"), "{text}");
    let parts =
        vec![part(0, "verdict", 100), part(3, "chart", 500), part(1, "explanation", 300), part(3, "chart", 500)];
    let text = fit(parts, 900);
    assert!(text.contains("2 × chart") && !text.contains("explanation"), "{text}");
    assert_eq!(fit(vec![part(0, "verdict", 10), part(5, "chart", 10)], 1000), format!("{0}\n{0}", "x".repeat(10)));
}
