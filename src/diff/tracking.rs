//! Whose an object is: the marks that an apply leaves on it, by the tracking
//! method that argocd-cm sets.

use crate::object::{Object, ResourceKey, names};

/// Label values end here (Kubernetes' own limit).
const LABEL_LENGTH: usize = 63;

/// `application.resourceTrackingMethod`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub enum TrackingMethod {
    #[default]
    Annotation,
    Label,
    /// The annotation decides, the label is for others to read.
    AnnotationAndLabel,
}

impl TrackingMethod {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "annotation" => Some(TrackingMethod::Annotation),
            "label" => Some(TrackingMethod::Label),
            "annotation+label" => Some(TrackingMethod::AnnotationAndLabel),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Tracking {
    pub method: TrackingMethod,
    /// `application.instanceLabelKey`.
    pub label: String,
    /// `installationID`: objects of other installations are not ours; "" for
    /// none.
    pub installation: String,
}

impl Default for Tracking {
    fn default() -> Self {
        Tracking {
            method: TrackingMethod::default(),
            label: names::INSTANCE_LABEL.to_owned(),
            installation: String::new(),
        }
    }
}

impl Tracking {
    /// Marks a desired object as an application's.
    pub fn mark(&self, object: &mut Object, instance: &str) {
        let by_annotation = self.method != TrackingMethod::Label;
        if by_annotation {
            let id = tracking_id(instance, &object.key());
            object.set_annotation(names::TRACKING_ID, &id);
            if !self.installation.is_empty() {
                object.set_annotation(names::INSTALLATION_ID, &self.installation);
            }
        }
        if self.method != TrackingMethod::Annotation {
            object.set_label(&self.label, as_label(instance));
        }
    }

    /// The application that an object belongs to.
    pub fn owner<'a>(&self, object: &'a Object) -> Option<&'a str> {
        if self.method == TrackingMethod::Label {
            return object.label(&self.label);
        }
        let installation = object.annotation(names::INSTALLATION_ID);
        if !self.installation.is_empty() && installation != Some(self.installation.as_str()) {
            return None;
        }
        tracked_by(object)
    }

    /// Whether an object belongs to this application.
    pub fn is_of(&self, object: &Object, instance: &str) -> bool {
        self.owner(object) == Some(self.name_of(instance))
    }

    /// An instance as [`owner`](Self::owner) gives it back.
    pub fn name_of<'a>(&self, instance: &'a str) -> &'a str {
        match self.method {
            TrackingMethod::Label => as_label(instance),
            TrackingMethod::Annotation | TrackingMethod::AnnotationAndLabel => instance,
        }
    }
}

/// What of a name fits into a label.
fn as_label(instance: &str) -> &str {
    let mut end = instance.len().min(LABEL_LENGTH);
    while !instance.is_char_boundary(end) {
        end -= 1;
    }
    instance[..end].trim_end_matches(['-', '_', '.'])
}

/// `<app>:<group>/<kind>:<ns>/<name>`, as Argo CD writes it.
pub fn tracking_id(instance: &str, key: &ResourceKey) -> String {
    format!(
        "{instance}:{}/{}:{}/{}",
        key.group, key.kind, key.namespace, key.name
    )
}

/// The application whose tracking id an object carries. An id that does not
/// name the object itself (it was copied along with the annotations) is none.
pub fn tracked_by(object: &Object) -> Option<&str> {
    let id = object.annotation(names::TRACKING_ID)?;
    let (instance, rest) = id.split_once(':')?;
    let key = object.key();
    let itself = format!("{}/{}:{}/{}", key.group, key.kind, key.namespace, key.name);
    // Argo CD writes the destination's namespace for objects of the cluster, too.
    let without_namespace = |id: &str| {
        let (kind, place) = id.split_once(':')?;
        let (_, name) = place.split_once('/')?;
        Some(format!("{kind}:/{name}"))
    };
    let names_itself = rest == itself
        || (key.namespace.is_empty() && without_namespace(rest).as_deref() == Some(&itself));
    names_itself.then_some(instance)
}
