//! What a provider's error code means: its class, whether sending the same message again can help, and a title for people.
//!
//! The classes are those of `metrics.md` section 5. Providers publish codes, not classes, so the class and the word on retries are
//! judgements, made for one message to one person: `retryable` says that the same message, unchanged, may well go through later.
//! Titles are ours, because the providers' own drift; a callback's own title is shown first. It decides by the code alone.
//!
//! Sources: the providers' pages of error codes, named in their files under `provider`.

use serde::Serialize;

use crate::provider::Provider;

/// Why a message failed, in twelve words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The person cannot receive it: no account, an old app, a number that does not exist.
    Unqualified,
    RateLimit,
    Template,
    OptOut,
    Policy,
    Payment,
    Auth,
    Media,
    Experiment,
    /// The 24-hour window is closed and the message is no template.
    ReEngagement,
    Technical,
    Unknown,
}

impl Class {
    /// The word of the HTTP API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unqualified => "unqualified",
            Self::RateLimit => "rate_limit",
            Self::Template => "template",
            Self::OptOut => "opt_out",
            Self::Policy => "policy",
            Self::Payment => "payment",
            Self::Auth => "auth",
            Self::Media => "media",
            Self::Experiment => "experiment",
            Self::ReEngagement => "re_engagement",
            Self::Technical => "technical",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorClass {
    pub class: Class,
    /// Whether the same message, sent again later, may go through.
    pub retryable: bool,
    /// In words of ours; empty if the code is not known.
    pub title: &'static str,
}

/// The code and class behind the key under which an error is counted: the provider's character, then its code.
#[must_use]
pub fn counted(key: &str) -> (&str, ErrorClass) {
    let mut rest = key.chars();
    let provider = rest.next().and_then(Provider::from_code).unwrap_or(Provider::Meta);
    (rest.as_str(), classify(provider, rest.as_str()))
}

/// The name of a counted error alone: its provider (`-` for what the sender met), a colon, its code.
#[must_use]
pub fn exact(key: &str) -> String {
    let mut rest = key.chars();
    let provider = rest.next().and_then(Provider::from_code).map_or("-", Provider::id);
    format!("{provider}:{}", rest.as_str())
}

/// Whether a counted error is what somebody asks for: its code, the word of its class, or its name.
#[must_use]
pub fn is(key: &str, asked: &str) -> bool {
    let (code, ErrorClass { class, .. }) = counted(key);
    code == asked || class.as_str() == asked || exact(key) == asked
}

/// What `code` means at `provider`; of [`Class::Unknown`] if nobody knows.
///
/// A provider's own numbers come first, then Meta's, which most pass on; its short ones (`100`, `470`) only where nobody else's
/// numbers look the same.
#[must_use]
pub fn classify(provider: Provider, code: &str) -> ErrorClass {
    let (own, short_codes): (&[Row], bool) = match provider {
        Provider::Gupshup => (GUPSHUP, true),
        Provider::Twilio => (TWILIO, false),
        Provider::Infobip => (INFOBIP, false),
        Provider::Vonage => (VONAGE, false),
        Provider::Sinch => (SINCH, false),
        Provider::CleverTap => (CLEVERTAP, false),
        // Its codes are not public; the short ones are not Meta's.
        Provider::Plivo => (&[], false),
        Provider::Meta | Provider::Dialog360 | Provider::Interakt | Provider::Wati | Provider::Netcore | Provider::Custom => {
            (&[], true)
        }
    };
    let passed_on: &[Row] = if short_codes || code.len() >= 6 { META } else { &[] };
    let permission = || {
        let is_permission = code.parse::<u16>().is_ok_and(|n| (200..300).contains(&n));
        (is_permission && short_codes).then_some((Class::Auth, NO, "Permission missing"))
    };
    let found = [own, passed_on]
        .into_iter()
        .flatten()
        .find(|(c, ..)| *c == code)
        .map(|(_, class, retry, title)| (*class, *retry, *title));
    let (class, retryable, title) = found.or_else(permission).unwrap_or((Class::Unknown, NO, ""));
    ErrorClass { class, retryable, title }
}

/// Code, class, whether a retry can help, title.
type Row = (&'static str, Class, bool, &'static str);

const NO: bool = false;
const YES: bool = true;

/// Meta's Cloud API, with what is left of the On-Premises codes (three and four digits).
const META: &[Row] = &[
    ("0", Class::Auth, NO, "The access token cannot be used"),
    ("1", Class::Technical, YES, "Unknown error of the API"),
    ("2", Class::Technical, YES, "Service temporarily unavailable"),
    ("3", Class::Auth, NO, "The app may not use this call"),
    ("4", Class::RateLimit, YES, "Too many calls by the app"),
    ("10", Class::Auth, NO, "Permission missing or withdrawn"),
    ("33", Class::Technical, NO, "The number does not exist or may not be used"),
    ("100", Class::Technical, NO, "A parameter is invalid"),
    ("190", Class::Auth, NO, "The access token has expired"),
    ("368", Class::Policy, NO, "Blocked for a while for policy violations"),
    ("470", Class::ReEngagement, NO, "More than 24 hours since the person wrote"),
    ("471", Class::RateLimit, YES, "Spam rate limit hit"),
    ("472", Class::Experiment, NO, "The number is part of an experiment"),
    ("506", Class::Technical, NO, "The same request twice"),
    ("613", Class::RateLimit, YES, "Too many calls"),
    ("1013", Class::Unqualified, NO, "Not a WhatsApp user"),
    ("1026", Class::Unqualified, NO, "The person's app cannot receive this"),
    ("80007", Class::RateLimit, YES, "The account's rate limit is hit"),
    ("130403", Class::Policy, NO, "The business has blocked the person"),
    ("130429", Class::RateLimit, YES, "Too many messages a second"),
    ("130472", Class::Experiment, NO, "The number is part of an experiment"),
    ("130497", Class::Policy, NO, "The business may not write to this country"),
    ("131000", Class::Technical, YES, "Something went wrong"),
    ("131001", Class::Technical, NO, "The message is too long"),
    ("131002", Class::Technical, NO, "The kind of recipient is invalid"),
    ("131005", Class::Auth, NO, "Access denied"),
    ("131006", Class::Technical, NO, "Not found"),
    ("131008", Class::Technical, NO, "A parameter is missing"),
    ("131009", Class::Technical, NO, "A parameter's value is invalid"),
    ("131014", Class::Media, YES, "The media link cannot be fetched"),
    ("131016", Class::Technical, YES, "Service unavailable"),
    ("131020", Class::Technical, NO, "The group has one member"),
    ("131021", Class::Technical, NO, "Sender and recipient are the same"),
    ("131026", Class::Unqualified, NO, "The message cannot be delivered to this person"),
    ("131030", Class::Technical, NO, "The recipient is not on the test list"),
    ("131031", Class::Policy, NO, "The account is locked"),
    ("131037", Class::Policy, NO, "The display name is not approved"),
    ("131041", Class::Technical, NO, "The group is unknown"),
    ("131042", Class::Payment, NO, "The account's payment is not in order"),
    ("131043", Class::Technical, YES, "The message expired"),
    ("131044", Class::Payment, NO, "The account's payment is not in order for calls"),
    ("131045", Class::Technical, NO, "The number's certificate is wrong"),
    ("131047", Class::ReEngagement, NO, "More than 24 hours since the person wrote"),
    ("131048", Class::RateLimit, YES, "Restricted for too many spam reports"),
    ("131049", Class::RateLimit, NO, "Held back so that the person gets less marketing"),
    ("131050", Class::OptOut, NO, "The person stopped marketing messages"),
    ("131051", Class::Technical, NO, "The type of message is not supported"),
    ("131052", Class::Media, YES, "The media cannot be downloaded"),
    ("131053", Class::Media, NO, "The media cannot be uploaded"),
    ("131055", Class::Technical, NO, "The method is not allowed"),
    ("131056", Class::RateLimit, YES, "Too many messages to this person"),
    ("131057", Class::Technical, YES, "The account is in maintenance"),
    ("131062", Class::Technical, NO, "This message needs a phone number"),
    ("131063", Class::Template, NO, "Marketing templates are disabled here"),
    ("131064", Class::RateLimit, YES, "Limited for misclassified templates"),
    ("131201", Class::Technical, NO, "The request for the group succeeded in part"),
    ("131202", Class::Technical, NO, "The participant is there twice"),
    ("131204", Class::Technical, NO, "Too many participants"),
    ("131207", Class::Policy, NO, "The group is suspended"),
    ("131208", Class::RateLimit, YES, "The group's rate limit is hit"),
    ("131211", Class::RateLimit, YES, "Too many groups"),
    ("131212", Class::Technical, NO, "Not a participant of the group"),
    ("131215", Class::Policy, NO, "The account may not use groups"),
    ("132000", Class::Template, NO, "The number of parameters is wrong"),
    ("132001", Class::Template, NO, "The template does not exist in this language"),
    ("132005", Class::Template, NO, "The text with its parameters is too long"),
    ("132007", Class::Template, NO, "The text's characters break the rules"),
    ("132008", Class::Template, NO, "A parameter's value is invalid"),
    ("132012", Class::Template, NO, "A parameter's format is wrong"),
    ("132015", Class::Template, YES, "The template is paused"),
    ("132016", Class::Template, NO, "The template is disabled"),
    ("132018", Class::Template, NO, "The template is invalid"),
    ("132068", Class::Template, NO, "The flow is blocked"),
    ("132069", Class::Template, YES, "The flow is throttled"),
    ("133000", Class::Technical, YES, "The number's deregistration is incomplete"),
    ("133004", Class::Technical, YES, "The server is unavailable for a while"),
    ("133005", Class::Auth, NO, "The PIN is wrong"),
    ("133006", Class::Auth, NO, "The number must be verified again"),
    ("133008", Class::Auth, NO, "Too many wrong PINs"),
    ("133009", Class::Auth, YES, "The PIN came too fast"),
    ("133010", Class::Technical, NO, "The number is not registered"),
    ("133015", Class::Technical, YES, "Too soon after deregistration"),
    ("133016", Class::RateLimit, YES, "Too many registrations"),
    ("134011", Class::Payment, NO, "The payment terms are not accepted"),
    ("134100", Class::Template, NO, "Only marketing templates can be sent so"),
    ("134101", Class::Template, YES, "The template is still being synchronised"),
    ("134102", Class::Template, NO, "The template cannot be used so"),
    ("135000", Class::Technical, NO, "Generic error"),
    ("136025", Class::Auth, NO, "The code cannot be verified"),
    ("137000", Class::Technical, NO, "The person's identity changed"),
    ("1752041", Class::Technical, NO, "The same request twice"),
    ("2388019", Class::Template, NO, "Too many templates"),
    ("2388039", Class::Template, NO, "The template's status cannot change"),
    ("2388040", Class::Template, NO, "Too many characters"),
    ("2388047", Class::Template, NO, "The header's format is wrong"),
    ("2388072", Class::Template, NO, "The body's format is wrong"),
    ("2388073", Class::Template, NO, "The footer's format is wrong"),
    ("2388293", Class::Template, NO, "Too many parameters for the words"),
    ("2388299", Class::Template, NO, "A parameter stands at the beginning or end"),
    ("2494100", Class::Technical, YES, "The account is in maintenance"),
    ("2593107", Class::RateLimit, YES, "Too many synchronisations"),
    ("2593108", Class::Technical, NO, "Too late to synchronise"),
];

const GUPSHUP: &[Row] = &[
    ("500", Class::Technical, YES, "Internal error"),
    ("1001", Class::Technical, NO, "The bot's and the sender's details differ"),
    ("1002", Class::Unqualified, NO, "Not a WhatsApp user"),
    ("1003", Class::Payment, NO, "The wallet is empty"),
    ("1004", Class::Template, NO, "Window closed and templates are off"),
    ("1005", Class::Template, NO, "Window closed and no template matches"),
    ("1006", Class::OptOut, NO, "Window closed and no opt-in"),
    ("1007", Class::OptOut, NO, "Window closed, no opt-in, no template matches"),
    ("1008", Class::OptOut, NO, "Neither opted in nor in a conversation"),
    ("1010", Class::Media, NO, "The media link is invalid"),
    ("1011", Class::Media, NO, "The media is too large"),
    ("1012", Class::OptOut, NO, "The person opted out"),
    ("4001", Class::RateLimit, YES, "Too many calls"),
    ("4002", Class::Technical, YES, "WhatsApp's answer was invalid"),
    ("4003", Class::Template, NO, "No template matches"),
    ("4004", Class::Technical, NO, "Only for the Cloud API"),
    ("4005", Class::Template, YES, "The template is paused"),
];

const TWILIO: &[Row] = &[
    ("21211", Class::Unqualified, NO, "The number is invalid"),
    ("21610", Class::OptOut, NO, "The person unsubscribed"),
    ("21614", Class::Unqualified, NO, "Not a mobile number"),
    ("21655", Class::Template, NO, "The content is invalid"),
    ("21656", Class::Template, NO, "The content's variables are invalid"),
    ("30007", Class::Policy, NO, "Filtered"),
    ("30008", Class::Technical, YES, "Unknown error"),
    ("30410", Class::Technical, YES, "The provider did not answer in time"),
    ("63001", Class::Auth, NO, "The channel refused the credentials"),
    ("63002", Class::Technical, NO, "The sender is unknown to the channel"),
    ("63003", Class::Unqualified, NO, "The person is unknown to the channel"),
    ("63005", Class::Template, NO, "The channel refused the content"),
    ("63006", Class::Template, NO, "The content cannot be formatted"),
    ("63007", Class::Technical, NO, "No channel with this sender"),
    ("63008", Class::Technical, NO, "The channel is set up wrongly"),
    ("63009", Class::Technical, YES, "The channel had an internal error"),
    ("63010", Class::Technical, YES, "Twilio had an internal error"),
    ("63011", Class::Technical, NO, "The request is invalid"),
    ("63012", Class::Technical, YES, "The channel had an internal error"),
    ("63013", Class::Policy, NO, "Against the channel's policy"),
    ("63014", Class::OptOut, NO, "The person blocked the message"),
    ("63015", Class::Technical, NO, "The person has not joined the sandbox"),
    ("63016", Class::ReEngagement, NO, "Outside the allowed window"),
    ("63017", Class::RateLimit, YES, "Rate limit hit"),
    ("63018", Class::RateLimit, YES, "The channel's rate limit is hit"),
    ("63019", Class::Media, YES, "The media cannot be downloaded"),
    ("63020", Class::Technical, NO, "The business account has an error"),
    ("63021", Class::Technical, NO, "The content is invalid"),
    ("63022", Class::Technical, NO, "The name's certificate is wrong"),
    ("63023", Class::Technical, YES, "Generic error of the channel"),
    ("63024", Class::Unqualified, NO, "The recipient is invalid"),
    ("63025", Class::Media, NO, "The media is there already"),
    ("63026", Class::Policy, NO, "Flagged as spam"),
    ("63027", Class::Template, NO, "The template does not exist in this language"),
    ("63028", Class::Template, NO, "The number of parameters is wrong"),
    ("63029", Class::Template, YES, "The person's app could not load the template"),
    ("63030", Class::Technical, NO, "A parameter is not supported"),
    ("63031", Class::Technical, NO, "Sender and recipient are the same"),
    ("63032", Class::Experiment, NO, "A limitation of WhatsApp for this person"),
    ("63033", Class::OptOut, NO, "The person blocked the business"),
    ("63034", Class::Media, NO, "The media is too large"),
    ("63037", Class::Media, YES, "The media cannot be uploaded"),
    ("63038", Class::RateLimit, YES, "The account's messages of the day are used up"),
    ("63040", Class::Template, NO, "The template could not be submitted"),
    ("63041", Class::Template, YES, "The template is paused"),
    ("63049", Class::RateLimit, NO, "Held back so that the person gets less marketing"),
    ("63051", Class::Policy, NO, "The sender is locked"),
    ("63062", Class::Policy, NO, "The terms of marketing messages are not accepted"),
];

/// Errors by number; where a report has none, the name of its status.
const INFOBIP: &[Row] = &[
    ("REJECTED", Class::Technical, NO, "Rejected, and no more is said"),
    ("UNDELIVERABLE_REJECTED_PLATFORM", Class::Technical, NO, "The platform rejected it"),
    ("SIGNALS_BLOCKED", Class::Policy, NO, "Held back as artificial traffic"),
    ("CANCELLED", Class::Technical, NO, "Cancelled"),
    ("7001", Class::Auth, NO, "The application is unknown"),
    ("7002", Class::Unqualified, NO, "Not a WhatsApp user"),
    ("7003", Class::OptOut, NO, "The person is blocked"),
    ("7004", Class::Auth, NO, "The credentials are refused"),
    ("7005", Class::Auth, NO, "Access is forbidden"),
    ("7006", Class::Technical, NO, "The request is invalid"),
    ("7007", Class::Policy, NO, "The kind of traffic is not allowed"),
    ("7008", Class::Template, NO, "The template's parameters are wrong"),
    ("7009", Class::Template, NO, "The template is invalid"),
    ("7010", Class::ReEngagement, NO, "No open conversation"),
    ("7011", Class::Payment, NO, "The account has an issue"),
    ("7012", Class::Technical, YES, "The deployment is set up wrongly"),
    ("7013", Class::Media, YES, "The media cannot be hosted"),
    ("7014", Class::Media, YES, "The media cannot be uploaded"),
    ("7015", Class::Media, NO, "The media's description is wrong"),
    ("7016", Class::RateLimit, NO, "Too many spam reports"),
    ("7017", Class::RateLimit, YES, "Too many requests"),
    ("7018", Class::Technical, NO, "Internal mapping error"),
    ("7019", Class::Payment, NO, "The provider's billing failed"),
    ("7020", Class::Technical, NO, "The device could not show it"),
    ("7021", Class::Policy, NO, "Limited functions"),
    ("7022", Class::Media, NO, "The media is not supported"),
    ("7023", Class::Technical, NO, "The data do not match"),
    ("7024", Class::Policy, YES, "Not at this time of day"),
    ("7025", Class::Unqualified, NO, "The person's app is too old"),
    ("7026", Class::RateLimit, NO, "Too many messages of this type"),
    ("7027", Class::Policy, NO, "The content is blocked"),
    ("7029", Class::Technical, NO, "The person's identity changed"),
    ("7030", Class::OptOut, NO, "The person blocked the template"),
    ("7031", Class::Template, NO, "The flow is invalid"),
    ("7032", Class::RateLimit, NO, "Held back so that the person gets less marketing"),
    ("7033", Class::OptOut, NO, "The person stopped marketing messages"),
    ("7034", Class::Technical, NO, "The sender is not registered"),
    ("7035", Class::Technical, YES, "Asking to call failed"),
    ("7036", Class::Template, YES, "The template is not synchronised"),
    ("7037", Class::Template, YES, "The template is not available"),
    ("7038", Class::Technical, NO, "The kind of account is wrong"),
    ("7050", Class::Technical, YES, "The provider had an internal error"),
    ("7051", Class::Technical, YES, "The provider did not answer in time"),
    ("7052", Class::Technical, NO, "The provider's report is wrong"),
    ("7080", Class::Technical, NO, "Internal error"),
    ("7081", Class::Technical, NO, "Set up wrongly"),
    ("7082", Class::Technical, NO, "The gateway failed"),
    ("7083", Class::Auth, NO, "The service is not activated"),
    ("7084", Class::Technical, NO, "The sender's data are missing"),
    ("7102", Class::Unqualified, NO, "The phone cannot be matched"),
    ("7201", Class::Unqualified, NO, "The device is not supported"),
    ("7280", Class::Technical, NO, "The same request twice"),
    ("7281", Class::Technical, NO, "The origin is wrong"),
    ("UNDELIVERABLE_REJECTED_OPERATOR", Class::Technical, NO, "Rejected by the operator"),
    ("UNDELIVERABLE_NOT_DELIVERED", Class::Unqualified, NO, "Not delivered"),
    ("UNDELIVERABLE_NOT_SENT", Class::Technical, YES, "Not sent"),
    ("EXPIRED_EXPIRED", Class::Technical, YES, "Expired"),
    ("EXPIRED_DLR_UNKNOWN", Class::Technical, NO, "Expired without a report"),
    ("REJECTED_NETWORK", Class::Technical, NO, "The network is not served"),
    ("REJECTED_PREFIX_MISSING", Class::Unqualified, NO, "The prefix is unknown"),
    ("REJECTED_DND", Class::OptOut, NO, "On a do-not-disturb list"),
    ("REJECTED_SOURCE", Class::Technical, NO, "The sender is refused"),
    ("REJECTED_NOT_ENOUGH_CREDITS", Class::Payment, NO, "Not enough credit"),
    ("REJECTED_SENDER", Class::Policy, NO, "The sender is blocked"),
    ("REJECTED_DESTINATION_BLOCKLISTED", Class::OptOut, NO, "The person is on a block list"),
    ("REJECTED_PREPAID_PACKAGE_EXPIRED", Class::Payment, NO, "The package has expired"),
    ("REJECTED_DESTINATION_NOT_REGISTERED", Class::Unqualified, NO, "The person is not registered"),
    ("REJECTED_ROUTE_NOT_AVAILABLE", Class::Technical, NO, "No route"),
    ("REJECTED_FLOODING_FILTER", Class::RateLimit, YES, "Too many messages"),
    ("REJECTED_SYSTEM_ERROR", Class::Technical, YES, "Internal error"),
    ("REJECTED_DUPLICATE_MESSAGE_ID", Class::Technical, NO, "The same id twice"),
    ("REJECTED_INVALID_UDH", Class::Technical, NO, "The header is invalid"),
    ("REJECTED_MESSAGE_TOO_LONG", Class::Technical, NO, "The message is too long"),
    ("MISSING_TO", Class::Technical, NO, "The recipient is missing"),
    ("REJECTED_DESTINATION", Class::Unqualified, NO, "The recipient is invalid"),
];

const VONAGE: &[Row] = &[
    ("1000", Class::RateLimit, YES, "Too many messages a second"),
    ("1010", Class::Technical, NO, "A parameter is missing"),
    ("1020", Class::Technical, NO, "A parameter is invalid"),
    ("1021", Class::Template, NO, "A tag is invalid"),
    ("1022", Class::Template, NO, "The template or its parameters are invalid"),
    ("1030", Class::Technical, YES, "Internal error"),
    ("1040", Class::Technical, NO, "The message cannot be processed"),
    ("1050", Class::OptOut, NO, "The number is on a block list"),
    ("1060", Class::Auth, NO, "The account is barred"),
    ("1070", Class::Payment, NO, "Not enough credit"),
    ("1080", Class::Auth, NO, "The account may not use this interface"),
    ("1090", Class::Technical, NO, "The message is too long"),
    ("1100", Class::Technical, YES, "The connection failed"),
    ("1120", Class::Policy, NO, "The sender is not allowed"),
    ("1340", Class::ReEngagement, NO, "Outside the allowed window"),
];

const SINCH: &[Row] = &[
    ("UNKNOWN", Class::Unknown, NO, "Unknown"),
    ("INTERNAL_ERROR", Class::Technical, YES, "Internal error"),
    ("RATE_LIMITED", Class::RateLimit, YES, "Rate limit hit"),
    ("RECIPIENT_INVALID_CHANNEL_IDENTITY", Class::Unqualified, NO, "The person is unknown to the channel"),
    ("RECIPIENT_NOT_REACHABLE", Class::Unqualified, NO, "The person cannot be reached"),
    ("RECIPIENT_NOT_OPTED_IN", Class::OptOut, NO, "The person has not opted in"),
    ("OUTSIDE_ALLOWED_SENDING_WINDOW", Class::ReEngagement, NO, "Outside the allowed window"),
    ("CHANNEL_FAILURE", Class::Technical, YES, "The channel failed"),
    ("CHANNEL_BAD_CONFIGURATION", Class::Technical, NO, "The channel is set up wrongly"),
    ("CHANNEL_CONFIGURATION_MISSING", Class::Technical, NO, "The channel is not set up"),
    ("MEDIA_TYPE_UNSUPPORTED", Class::Media, NO, "The media is not supported"),
    ("MEDIA_TOO_LARGE", Class::Media, NO, "The media is too large"),
    ("MEDIA_NOT_REACHABLE", Class::Media, YES, "The media link cannot be fetched"),
    ("NO_CHANNELS_LEFT", Class::Technical, NO, "No channel is left to try"),
    ("TEMPLATE_NOT_FOUND", Class::Template, NO, "The template does not exist"),
    ("TEMPLATE_INSUFFICIENT_PARAMETERS", Class::Template, NO, "Parameters are missing"),
    ("TEMPLATE_NON_EXISTING_LANGUAGE_OR_VERSION", Class::Template, NO, "The template does not exist in this language"),
    ("DELIVERY_TIMED_OUT", Class::Technical, YES, "Not delivered in time"),
    ("DELIVERY_REJECTED_DUE_TO_POLICY", Class::Policy, NO, "Against the channel's policy"),
    ("CONTACT_NOT_FOUND", Class::Unqualified, NO, "The contact does not exist"),
    ("BAD_REQUEST", Class::Technical, NO, "The request is invalid"),
    ("UNKNOWN_APP", Class::Auth, NO, "The application is unknown"),
    ("NO_CHANNEL_IDENTITY_FOR_CONTACT", Class::Unqualified, NO, "The contact is not on the channel"),
    ("CHANNEL_REJECT", Class::Policy, NO, "The channel refused it"),
    ("NO_PERMISSION", Class::Auth, NO, "Permission missing"),
    ("NO_PROFILE_AVAILABLE", Class::Unqualified, NO, "No profile"),
    ("UNSUPPORTED_OPERATION", Class::Technical, NO, "Not supported"),
];

const CLEVERTAP: &[Row] = &[
    ("1000", Class::Auth, NO, "The credentials are invalid"),
    ("1001", Class::Template, NO, "The template's parameters are invalid"),
    ("1002", Class::Unqualified, NO, "The number is invalid"),
    ("1003", Class::Unqualified, NO, "The number is no longer active"),
    ("1004", Class::RateLimit, YES, "Too many messages to this person"),
    ("1005", Class::Technical, YES, "Temporarily unavailable, or not in the provider's network"),
    ("1006", Class::OptOut, NO, "The person is on a block list"),
    ("1007", Class::Unqualified, NO, "The device cannot receive"),
    ("1008", Class::ReEngagement, NO, "Outside the allowed window"),
    ("1009", Class::Unknown, NO, "Other"),
    ("1010", Class::Policy, NO, "Blocked by Meta"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(provider: Provider, code: &str, class: Class, retryable: bool) {
        let found = classify(provider, code);
        assert_eq!((found.class, found.retryable), (class, retryable), "{provider:?} {code}");
    }

    #[test]
    fn a_counted_error_has_a_name_of_its_own() {
        for (key, name) in [("m131026", "meta:131026"), ("d131026", "360dialog:131026"), ("-auth", "-:auth"), ("m", "meta:")] {
            assert_eq!(exact(key), name);
            assert!(is(key, name), "{key}");
        }
        assert!(is("m131026", "131026") && is("d131026", "unqualified") && is("m190", "auth"));
        assert!(!is("d131026", "meta:131026") && !is("m190", "-:auth"));
    }

    #[test]
    fn the_provider_s_own_numbers_come_first() {
        check(Provider::Meta, "131026", Class::Unqualified, false);
        check(Provider::Meta, "131050", Class::OptOut, false);
        check(Provider::Meta, "130429", Class::RateLimit, true);
        check(Provider::Meta, "200", Class::Auth, false);
        check(Provider::Meta, "299", Class::Auth, false);
        check(Provider::Meta, "300", Class::Unknown, false);
        check(Provider::Wati, "131047", Class::ReEngagement, false);
        check(Provider::Interakt, "1013", Class::Unqualified, false);
        check(Provider::Gupshup, "1004", Class::Template, false);
        check(Provider::Gupshup, "470", Class::ReEngagement, false);
        check(Provider::Gupshup, "131026", Class::Unqualified, false);
        check(Provider::CleverTap, "1004", Class::RateLimit, true);
        check(Provider::Twilio, "63016", Class::ReEngagement, false);
        check(Provider::Infobip, "REJECTED_DND", Class::OptOut, false);
        check(Provider::Sinch, "MEDIA_NOT_REACHABLE", Class::Media, true);
        check(Provider::Vonage, "1000", Class::RateLimit, true);
        check(Provider::Plivo, "100", Class::Unknown, false);
        check(Provider::Plivo, "131026", Class::Unqualified, false);
        check(Provider::Twilio, "470", Class::Unknown, false);
        check(Provider::Gupshup, "200", Class::Auth, false);
        check(Provider::Custom, "", Class::Unknown, false);
    }

    #[test]
    fn no_code_stands_twice_and_every_one_has_a_title() {
        for table in [META, GUPSHUP, TWILIO, INFOBIP, VONAGE, SINCH, CLEVERTAP] {
            let mut codes: Vec<&str> = table.iter().map(|row| row.0).collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), table.len());
            assert!(table.iter().all(|row| !row.3.is_empty()));
        }
    }

    #[test]
    fn the_words_of_the_interface_are_serde_s() {
        for (_, class, ..) in META {
            assert_eq!(serde_json::to_string(class).unwrap(), format!("\"{}\"", class.as_str()));
        }
    }
}
