//! Go's template language and the functions of sprig and Helm.
