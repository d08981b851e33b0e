//! The reference model itself, judged by small hand-made examples.
mod model;
use model::generate::*;
#[test]
fn look() {
    let t = std::time::Instant::now();
    let mut names: std::collections::BTreeMap<String, u64> = Default::default();
    let mut combos: std::collections::BTreeSet<String> = Default::default();
    for seed in 0..300 {
        let s = generate(seed);
        if seed < 10 {
            println!("{}", s.received.len());
        }
        let a = model::recount(&s.received, &s.definitions);
        for (id, c) in &a.campaigns {
            for (k, v) in &c.all.numbers {
                *names
                    .entry(format!("{}{k}", if id == "_unattributed" { "_" } else { "" }))
                    .or_default() += v;
            }
            combos.extend(c.all.contact_combinations.keys().cloned());
            *names.entry("contaminated".into()).or_default() += c.experiment.contaminated.len() as u64;
            *names.entry("exp target conv".into()).or_default() += c.experiment.target.converted.len() as u64;
            *names.entry("exp control conv".into()).or_default() += c.experiment.control.converted.len() as u64;
        }
        for (k, v) in &a.unclaimed {
            *names.entry(format!("unclaimed.{k}")).or_default() += v;
        }
        for (k, v) in &a.unmatched {
            *names.entry(format!("unmatched.{k}")).or_default() += v;
        }
        for c in &a.conflicts {
            *names
                .entry(format!("conflict.{}", format!("{c:?}").split(' ').next().unwrap()))
                .or_default() += 1;
        }
        for c in &a.conversations {
            *names.entry(format!("conv.{}.{}", c.category, c.window_unseen)).or_default() += 1;
        }
    }
    println!("{names:#?} {} {:?}", combos.len(), t.elapsed());
}
