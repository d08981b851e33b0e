//! Time zones by the runtime's own database: `Intl`, so that none is carried in the wasm.

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::calendar::Zone;
use crate::event::Ms;
use crate::problem::Problem;

/// An IANA zone; one that the runtime does not know counts as UTC.
pub struct IntlZone {
    format: Option<Intl::DateTimeFormat>,
}

impl IntlZone {
    /// The zone that a reader names.
    ///
    /// # Errors
    /// 400, if the runtime does not know it.
    pub fn named(name: &str) -> Result<Self, Problem> {
        let zone = Self::new(name);
        let known = name == "UTC" || zone.format.is_some();
        if known { Ok(zone) } else { Err(Problem::bad("`timezone` must be an IANA time zone, such as Asia/Kolkata.")) }
    }

    #[must_use]
    pub fn new(name: &str) -> Self {
        let options = Object::new();
        for (option, value) in [
            ("timeZone", name),
            ("hourCycle", "h23"),
            ("era", "short"),
            ("year", "numeric"),
            ("month", "numeric"),
            ("day", "numeric"),
            ("hour", "numeric"),
            ("minute", "numeric"),
            ("second", "numeric"),
        ] {
            // Setting a property of a plain object cannot fail.
            let _ = Reflect::set(&options, &option.into(), &value.into());
        }
        Self { format: (name != "UTC" && looks_like_a_zone(name)).then(|| Self::formatter(&options)).flatten() }
    }

    /// The constructor throws for a zone that it does not know, so it is called where that is caught.
    fn formatter(options: &Object) -> Option<Intl::DateTimeFormat> {
        let class = Reflect::get(&Reflect::get(&js_sys::global(), &"Intl".into()).ok()?, &"DateTimeFormat".into()).ok()?;
        let arguments = Array::of2(&"en-US".into(), options);
        let class: &Function = class.dyn_ref()?;
        Reflect::construct(class, &arguments).ok()?.dyn_into().ok()
    }

    /// The local wall clock at an instant, read as if it were UTC.
    fn wall_ms(format: &Intl::DateTimeFormat, at_ms: Ms) -> Option<Ms> {
        let parts = format.format_to_parts(&Date::new(&JsValue::from_f64(at_ms as f64)));
        let mut fields = [0i32; 6];
        let mut before_christ = false;
        for part in parts.iter() {
            let text = |key: &str| Reflect::get(&part, &key.into()).ok().and_then(|value| value.as_string());
            let (kind, value) = (text("type")?, text("value")?);
            let names = ["year", "month", "day", "hour", "minute", "second"];
            if let Some(slot) = names.iter().position(|name| *name == kind).and_then(|no| fields.get_mut(no)) {
                *slot = value.parse().ok()?;
            }
            before_christ |= kind == "era" && value.starts_with('B');
        }
        let [year, month, day, hour, minute, second] = fields;
        if before_christ {
            return None;
        }
        Some(
            Date::utc(f64::from(year), f64::from(month - 1)) as Ms
                + ((Ms::from(day - 1) * 24 + Ms::from(hour)) * 60 + Ms::from(minute)) * 60_000
                + Ms::from(second) * 1000,
        )
    }
}

/// Whether a text has the form of a zone's name: what has not is not shown to the runtime, whose complaint would quote it.
fn looks_like_a_zone(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-/".contains(&byte);
    name.len() <= 64 && name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(known)
}

impl Zone for IntlZone {
    fn offset_s(&self, at_ms: Ms) -> i32 {
        let whole_ms = at_ms.div_euclid(1000) * 1000;
        let wall_ms = self.format.as_ref().and_then(|format| Self::wall_ms(format, whole_ms));
        wall_ms.map_or(0, |wall_ms| ((wall_ms - whole_ms) / 1000) as i32)
    }
}
