//! What a campaign changed, judged against its control group: the difference of two rates, its interval, its p-value.
//!
//! It knows two groups of people and how many of them converted, and nothing of who they are or why they were chosen. The
//! formulas are the field's named ones, each with its source beside it.

use serde::Serialize;

use crate::money::Money;
use crate::rates::rate;

/// The 97.5 % point of the standard normal distribution: two-sided intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// One side of an experiment: distinct people, how many of them converted, and all that their conversions were worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub contacts: u64,
    pub converted: u64,
    pub revenue: Money,
}

/// A group as it is answered, with its rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupAnswer {
    pub contacts: u64,
    pub converted: u64,
    pub rate: Option<f64>,
    pub revenue: Money,
}

/// How the target's rate differs from the control's. Absolute: the difference, null where a group is empty. Relative: the
/// ratio less 1, null where a rate is null or 0. The p-value is null where the pooled rate is null, 0 or 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Uplift {
    pub absolute: Option<f64>,
    pub absolute_interval: Option<[f64; 2]>,
    pub relative: Option<f64>,
    pub relative_interval: Option<[f64; 2]>,
    pub p_value: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    pub target: GroupAnswer,
    pub control: GroupAnswer,
    /// People who were in both groups and are counted in neither.
    pub contaminated: u64,
    pub uplift: Uplift,
    /// (rate of the target − rate of the control) × the target's contacts; null where a group is empty.
    pub incremental_conversions: Option<f64>,
    /// Revenue of the target − revenue of the control × (target's contacts / control's contacts), exact to a billionth;
    /// null where the control is empty.
    pub incremental_revenue: Option<Money>,
}

impl Experiment {
    #[must_use]
    pub fn of(target: Group, control: Group, contaminated: u64) -> Self {
        let uplift = Uplift::of(&target, &control);
        Self {
            uplift,
            contaminated,
            incremental_conversions: uplift.absolute.map(|difference| difference * target.contacts as f64),
            incremental_revenue: incremental_revenue(&target, &control),
            target: GroupAnswer::of(target),
            control: GroupAnswer::of(control),
        }
    }
}

impl GroupAnswer {
    fn of(group: Group) -> Self {
        let rate = rate(group.converted, group.contacts);
        Self { contacts: group.contacts, converted: group.converted, rate, revenue: group.revenue }
    }
}

impl Uplift {
    #[must_use]
    pub fn of(target: &Group, control: &Group) -> Self {
        let (Some(t), Some(c)) = (Sample::of(target), Sample::of(control)) else {
            return Self::default();
        };
        let both_convert = t.successes > 0.0 && c.successes > 0.0;
        Self {
            absolute: Some(t.rate() - c.rate()),
            absolute_interval: Some(newcombe(t, c)),
            relative: both_convert.then(|| t.rate() / c.rate() - 1.0),
            relative_interval: both_convert.then(|| katz(t, c).map(|ratio| ratio - 1.0)),
            p_value: z_test(t, c),
        }
    }
}

fn incremental_revenue(target: &Group, control: &Group) -> Option<Money> {
    let (n_t, n_c) = (i64::try_from(target.contacts).ok()?, i64::try_from(control.contacts).ok()?);
    let mut revenue = target.revenue.clone();
    for (currency, amount) in control.revenue.iter() {
        revenue.add(currency, -amount.scaled(n_t, n_c)?);
    }
    (n_c > 0).then_some(revenue)
}

/// Successes among n trials, n > 0.
#[derive(Clone, Copy)]
struct Sample {
    successes: f64,
    n: f64,
}

impl Sample {
    fn of(group: &Group) -> Option<Self> {
        (group.contacts > 0).then_some(Self { successes: group.converted as f64, n: group.contacts as f64 })
    }

    fn rate(self) -> f64 {
        self.successes / self.n
    }

    /// Wilson's score interval, without continuity correction: E. B. Wilson, "Probable inference, the law of succession,
    /// and statistical inference", JASA 22 (1927), 209–212.
    fn wilson(self) -> [f64; 2] {
        let (p, n) = (self.rate(), self.n);
        let centre = 2.0 * n * p + Z * Z;
        let half = Z * (Z * Z + 4.0 * n * p * (1.0 - p)).sqrt();
        let scale = 2.0 * (n + Z * Z);
        [(centre - half) / scale, (centre + half) / scale]
    }
}

/// The hybrid score interval of a difference of proportions: R. G. Newcombe, "Interval estimation for the difference
/// between independent proportions: comparison of eleven methods", Statistics in Medicine 17 (1998), 873–890, method 10.
fn newcombe(a: Sample, b: Sample) -> [f64; 2] {
    let (p, q, [l1, u1], [l2, u2]) = (a.rate(), b.rate(), a.wilson(), b.wilson());
    let root = |x: f64, y: f64| (x * x + y * y).sqrt();
    [p - q - root(p - l1, u2 - q), p - q + root(u1 - p, q - l2)]
}

/// The log interval of a ratio of proportions: D. Katz et al., "Obtaining confidence intervals for the risk ratio in cohort
/// studies", Biometrics 34 (1978), 469–474.
fn katz(a: Sample, b: Sample) -> [f64; 2] {
    let ratio = a.rate() / b.rate();
    let error = (1.0 / a.successes - 1.0 / a.n + 1.0 / b.successes - 1.0 / b.n).sqrt();
    [ratio * libm::exp(-Z * error), ratio * libm::exp(Z * error)]
}

/// The two-sided p-value of the z-test with the pooled rate and without continuity correction; its square is Pearson's
/// chi-squared of the two-by-two table.
fn z_test(a: Sample, b: Sample) -> Option<f64> {
    let pooled = (a.successes + b.successes) / (a.n + b.n);
    if pooled <= 0.0 || pooled >= 1.0 {
        return None;
    }
    let z = (a.rate() - b.rate()) / (pooled * (1.0 - pooled) * (1.0 / a.n + 1.0 / b.n)).sqrt();
    Some(libm::erfc(z.abs() / core::f64::consts::SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(converted: u64, contacts: u64) -> Group {
        Group { contacts, converted, revenue: Money::default() }
    }

    fn uplift(target: (u64, u64), control: (u64, u64)) -> Uplift {
        Uplift::of(&group(target.0, target.1), &group(control.0, control.1))
    }

    fn check(what: &str, got: f64, expected: f64, within: f64) {
        assert!((got - expected).abs() <= within, "{what}: {got}, expected {expected}");
    }

    /// Newcombe (1998), table II, the row of method 10.
    #[test]
    fn the_absolute_interval_is_newcombes() {
        for (target, control, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((0, 10), (0, 10), -0.2775, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
            ((10, 10), (0, 10), 0.6075, 1.0),
        ] {
            let [got_low, got_high] = uplift(target, control).absolute_interval.unwrap();
            check(&format!("{target:?} {control:?} low"), got_low, low, 0.00005);
            check(&format!("{target:?} {control:?} high"), got_high, high, 0.00005);
        }
    }

    /// The Physicians' Health Study (N Engl J Med 321, 1989): heart attacks under placebo and under aspirin, as A. Agresti
    /// works them in "An Introduction to Categorical Data Analysis": ratio 1.82, interval 1.43 to 2.30, chi-squared 25.01.
    #[test]
    fn the_relative_interval_is_katzs_and_the_test_is_pearsons() {
        let aspirin = uplift((189, 11_034), (104, 11_037));
        check("absolute", aspirin.absolute.unwrap(), 0.0077, 0.00005);
        check("ratio", aspirin.relative.unwrap() + 1.0, 1.82, 0.005);
        let [low, high] = aspirin.relative_interval.unwrap();
        check("low", low + 1.0, 1.43, 0.005);
        check("high", high + 1.0, 2.30, 0.0075);
        let chi_squared: f64 = 25.01;
        let p = libm::erfc((chi_squared / 2.0).sqrt());
        check("p over p of 25.01", aspirin.p_value.unwrap() / p, 1.0, 0.01);
    }

    /// Where the z is a round number: points of the standard normal distribution.
    #[test]
    fn the_p_value_is_two_sided() {
        check("z = 2", uplift((30, 50), (20, 50)).p_value.unwrap(), 0.045_500_263_896_358_4, 1e-14);
        check("z = -2", uplift((20, 50), (30, 50)).p_value.unwrap(), 0.045_500_263_896_358_4, 1e-14);
        check("z = 4", uplift((35, 50), (15, 50)).p_value.unwrap(), 6.334_248_366_623_996e-5, 1e-17);
        check("z = 0", uplift((5, 10), (50, 100)).p_value.unwrap(), 1.0, 0.0);
    }

    /// `libm::erfc` at points of the published tables (Abramowitz and Stegun, table 7.1, and its asymptotic series).
    #[test]
    fn the_complementary_error_function_is_accurate() {
        for (x, erfc) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953_5),
            (1.0, 0.157_299_207_050_285_13),
            (2.0, 0.004_677_734_981_047_266),
            (3.0, 2.209_049_699_858_544e-5),
            (5.0, 1.537_459_794_428_035e-12),
            (10.0, 2.088_487_583_762_545e-45),
        ] {
            check(&format!("erfc({x}) over its value"), libm::erfc(x) / erfc, 1.0, 1e-14);
        }
    }

    #[test]
    fn what_cannot_be_said_is_null() {
        assert_eq!(uplift((0, 0), (3, 10)), Uplift::default());
        assert_eq!(uplift((3, 10), (0, 0)), Uplift::default());
        for (target, control) in [((0, 10), (3, 10)), ((3, 10), (0, 10))] {
            let one_zero = uplift(target, control);
            assert_eq!((one_zero.relative, one_zero.relative_interval), (None, None));
            assert!(one_zero.absolute.is_some() && one_zero.absolute_interval.is_some() && one_zero.p_value.is_some());
        }
        assert_eq!(uplift((0, 10), (0, 10)).p_value, None);
        assert_eq!(uplift((10, 10), (10, 10)).p_value, None);
        assert_eq!(uplift((10, 10), (10, 10)).relative_interval, Some([0.0, 0.0]));
    }

    #[test]
    fn what_the_campaign_added() {
        let with = |converted, contacts, revenue: &str| Group {
            revenue: serde_json::from_str(revenue).unwrap(),
            ..group(converted, contacts)
        };
        let target = with(90, 900, r#"{"EUR":"1000.00","JPY":"500"}"#);
        let control = with(5, 100, r#"{"EUR":"50.10","USD":"1"}"#);
        let answer = Experiment::of(target.clone(), control.clone(), 7);
        check("conversions", answer.incremental_conversions.unwrap(), 45.0, 1e-12);
        let revenue = serde_json::to_string(&answer.incremental_revenue).unwrap();
        assert_eq!(revenue, r#"{"EUR":"549.10","JPY":"500","USD":"-9.00"}"#);
        assert_eq!((answer.target.rate, answer.control.rate, answer.contaminated), (Some(0.1), Some(0.05), 7));

        let alone = Experiment::of(target.clone(), Group::default(), 0);
        assert_eq!((alone.incremental_conversions, alone.incremental_revenue), (None, None));
        let unreached = Experiment::of(Group::default(), control, 0);
        assert_eq!((unreached.incremental_conversions, unreached.incremental_revenue), (None, Some(Money::default())));
    }
}
