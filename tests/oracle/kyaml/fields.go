package main

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// fields prints every field of a kustomization that a scalar, a list of
// scalars or a free mapping goes into: its path and what it takes.
func fields(w io.Writer) error {
	return walk(w, "", reflect.TypeOf(types.Kustomization{}))
}

func walk(w io.Writer, path string, t reflect.Type) error {
	switch t.Kind() {
	case reflect.Pointer:
		return walk(w, path, t.Elem())
	case reflect.Slice:
		return walk(w, path+"[]", t.Elem())
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			field := t.Field(i)
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			inner := path
			switch {
			case name == "-" || !field.IsExported():
				continue
			case name != "":
				inner = strings.TrimPrefix(path+"."+name, ".")
			case !field.Anonymous && !strings.Contains(options, "inline"):
				inner = strings.TrimPrefix(path+"."+field.Name, ".")
			}
			if err := walk(w, inner, field.Type); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := fmt.Fprintf(w, "%s %s\n", path, t.Kind())
	return err
}
