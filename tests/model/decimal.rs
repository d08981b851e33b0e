//! Exact sums of decimal strings.

use std::collections::BTreeMap;

/// Sums per currency, each in its shortest form: no trailing zeros after the point [20].
pub type Money = BTreeMap<String, String>;

/// Adds one amount.
pub fn add(money: &mut Money, currency: &str, amount: &str) {
    let sum = money.remove(currency).unwrap_or_else(|| "0".to_owned());
    money.insert(currency.to_owned(), plus(&sum, amount));
}

/// The exact sum of two decimal strings.
pub fn plus(a: &str, b: &str) -> String {
    let (a, b) = (parse(a), parse(b));
    let scale = a.1.max(b.1);
    let whole = |(digits, own): (i128, u32)| digits * 10_i128.pow(scale - own);
    show(whole(a) + whole(b), scale)
}

/// `-12.50` is (−1250, 2).
fn parse(text: &str) -> (i128, u32) {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let value: i128 = format!("{whole}{fraction}").parse().expect("an amount is a decimal");
    (sign * value, u32::try_from(fraction.len()).unwrap())
}

fn show(digits: i128, scale: u32) -> String {
    let scale = usize::try_from(scale).unwrap();
    let sign = if digits < 0 { "-" } else { "" };
    let padded = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
