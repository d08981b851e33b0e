//! The providers: one file each, with `verify` and `parse`; this file is the list.
