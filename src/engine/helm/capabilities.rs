//! `.Capabilities`: what the cluster can do, or what Helm assumes.

use crate::gotmpl::{Context, Error, FuncDef, Kind, List, Map, Named, Object, Type, Val};
use std::any::Any;
use std::rc::Rc;

/// The version that Helm 4.2 assumes where nothing is said.
pub const DEFAULT_KUBE_VERSION: &str = "v1.36.0";

/// The API versions that Helm 4.2.4 knows by itself (client-go 0.36's scheme
/// and apiextensions), in its order. Given ones come on top.
pub const BUILTIN_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// What Helm 4.2.4, built by the Go client, says of itself.
const HELM_VERSION: &str = "v4.2";
const GO_VERSION: &str = "go1.26.8";
const CLIENT_VERSION: &str = "v1.36";

/// What a render is told about the cluster.
#[derive(Clone, Debug)]
pub struct Capabilities {
    pub kube_version: KubeVersion,
    /// `group/version` and `group/version/Kind`, beside Helm's own.
    pub api_versions: Vec<String>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Capabilities {
            kube_version: KubeVersion::parse(DEFAULT_KUBE_VERSION)
                .expect("the default is a version"),
            api_versions: Vec::new(),
        }
    }
}

/// A version of Kubernetes, as `--kube-version` gives it or a server says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// `v1.33.4-gke.1245000`
    pub full: String,
    /// Without what follows the numbers: constraints are checked with it.
    pub normalized: String,
    pub major: u64,
    pub minor: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubeVersionError {
    #[error("invalid kube version '{0}': could not parse {0:?} as version")]
    NoVersion(String),
    #[error("invalid kube version '{0}': illegal version string {0:?}")]
    NoMinor(String),
    #[error(
        "invalid kube version '{text}': illegal zero-prefixed version component {component:?} in {text:?}"
    )]
    LeadingZero { component: String, text: String },
    #[error(
        "invalid kube version '{text}': illegal non-numeric version component {component:?} in {text:?}: value out of range"
    )]
    OutOfRange { component: String, text: String },
}

impl KubeVersion {
    /// `1.21`, `v1.34.5-gke.1`, `1.32.1+k3s1`: at least two numbers.
    pub fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let bare = text.trim_start();
        let bare = bare.strip_prefix('v').unwrap_or(bare);
        let mut components: Vec<u64> = Vec::new();
        let mut rest = bare;
        loop {
            let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if n_digits == 0 {
                break;
            }
            let (component, behind) = rest.split_at(n_digits);
            if components.is_empty() && component.len() > 1 && component.starts_with('0') {
                return Err(KubeVersionError::LeadingZero {
                    component: component.to_owned(),
                    text: text.to_owned(),
                });
            }
            let number = component
                .parse()
                .map_err(|_| KubeVersionError::OutOfRange {
                    component: component.to_owned(),
                    text: text.to_owned(),
                })?;
            components.push(number);
            match behind.strip_prefix('.') {
                Some(next) => rest = next,
                None => break,
            }
        }
        let [major, minor, ..] = components[..] else {
            return Err(if components.is_empty() {
                KubeVersionError::NoVersion(text.to_owned())
            } else {
                KubeVersionError::NoMinor(text.to_owned())
            });
        };
        let numbers: Vec<String> = components.iter().map(u64::to_string).collect();
        let full = if text.starts_with('v') {
            text.to_owned()
        } else {
            format!("v{text}")
        };
        Ok(KubeVersion {
            full,
            normalized: format!("v{}", numbers.join(".")),
            major,
            minor,
        })
    }
}

impl Capabilities {
    /// The object that templates see.
    pub(super) fn to_val(&self) -> Val {
        let known = BUILTIN_API_VERSIONS.iter().map(|v| Val::from(*v));
        let given = self.api_versions.iter().map(|v| Val::from(v.as_str()));
        Val::Object(Rc::new(CapabilitiesObject {
            kube_version: Val::Object(Rc::new(self.kube_version.clone())),
            api_versions: Val::List(List::named(
                &VERSION_SET,
                Type::Str,
                known.chain(given).collect(),
            )),
            helm_version: Val::Object(Rc::new(HelmVersion)),
        }))
    }
}

/// `*common.Capabilities`
struct CapabilitiesObject {
    kube_version: Val,
    api_versions: Val,
    helm_version: Val,
}

impl Object for CapabilitiesObject {
    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Val> {
        match name {
            "KubeVersion" => Some(self.kube_version.clone()),
            "APIVersions" => Some(self.api_versions.clone()),
            "HelmVersion" => Some(self.helm_version.clone()),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        vec![
            ("KubeVersion", self.kube_version.clone()),
            ("APIVersions", self.api_versions.clone()),
            ("HelmVersion", self.helm_version.clone()),
        ]
    }
}

static VERSION_SET: Named = Named {
    name: "common.VersionSet",
    methods: &[FuncDef::new("Has", &[Type::Str], Type::Bool, has)],
};

fn has(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let [Val::List(versions), Val::Str(wanted)] = args else {
        return Ok(Val::Bool(false));
    };
    let found = versions.items().iter().any(|v| v.as_str() == Some(wanted));
    Ok(Val::Bool(found))
}

impl Object for KubeVersion {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Val> {
        match name {
            "Version" => Some(Val::from(self.full.as_str())),
            "Major" => Some(Val::from(self.major.to_string())),
            "Minor" => Some(Val::from(self.minor.to_string())),
            _ => None,
        }
    }

    fn methods(&self) -> &'static [FuncDef] {
        const METHODS: &[FuncDef] = &[
            FuncDef::new("String", &[], Type::Str, |_, args| {
                let version = args[0].downcast::<KubeVersion>();
                Ok(Val::from(version.map_or("", |v| v.normalized.as_str())))
            }),
            FuncDef::new("GitVersion", &[], Type::Str, |_, args| {
                let version = args[0].downcast::<KubeVersion>();
                Ok(Val::from(version.map_or("", |v| v.full.as_str())))
            }),
        ];
        METHODS
    }

    fn stringer(&self) -> Option<String> {
        Some(self.normalized.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        ["Version", "Major", "Minor"]
            .into_iter()
            .filter_map(|name| Some((name, self.field(name)?)))
            .collect()
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }
}

/// `version.BuildInfo`
struct HelmVersion;

impl Object for HelmVersion {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Val> {
        let text = match name {
            "Version" => HELM_VERSION,
            "GitCommit" | "GitTreeState" => "",
            "GoVersion" => GO_VERSION,
            "KubeClientVersion" => CLIENT_VERSION,
            _ => return None,
        };
        Some(Val::from(text))
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        [
            "Version",
            "GitCommit",
            "GitTreeState",
            "GoVersion",
            "KubeClientVersion",
        ]
        .into_iter()
        .filter_map(|name| Some((name, self.field(name)?)))
        .collect()
    }

    fn to_value(&self) -> Result<crate::value::Value, Error> {
        let fields = [
            ("version", HELM_VERSION),
            ("go_version", GO_VERSION),
            ("kube_client_version", CLIENT_VERSION),
        ];
        Ok(crate::value::Value::Map(fields.into_iter().collect()))
    }

    fn equals(&self, _: &dyn Object) -> bool {
        true
    }
}

/// A `map[string]interface {}` out of pairs.
pub(super) fn map_of<const N: usize>(pairs: [(&str, Val); N]) -> Val {
    Val::Map(pairs.into_iter().collect::<Map>())
}
