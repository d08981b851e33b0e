//! The worker as it is deployed: whatever `bluetick` exports to the platform. The code is all there.

pub use bluetick::*;
