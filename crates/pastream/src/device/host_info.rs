/// An audio system that this build knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInfo {
    /// As it begins a device's id.
    pub name: &'static str,
    /// Why it can't be used; `None` where it can.
    pub unavailable: Option<String>,
}

impl HostInfo {
    /// Whether the host can be used.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.unavailable.is_none()
    }
}
