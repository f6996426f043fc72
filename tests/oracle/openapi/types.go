package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsbeta "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	aggregator "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregatorbeta "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
)

// goTypes are the Go types by the names of their OpenAPI definitions.
func goTypes() map[string]reflect.Type {
	found := map[string]reflect.Type{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			name := definitionName(t)
			if found[name] != nil {
				return
			}
			found[name] = t
			for at := 0; at < t.NumField(); at++ {
				if t.Field(at).IsExported() {
					walk(t.Field(at).Type)
				}
			}
		}
	}
	extra := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		apiextensions.AddToScheme, apiextensionsbeta.AddToScheme, aggregator.AddToScheme, aggregatorbeta.AddToScheme,
	} {
		must(0, add(extra))
	}
	for _, types := range []*runtime.Scheme{scheme.Scheme, extra} {
		for _, t := range types.AllKnownTypes() {
			walk(t)
		}
	}
	return found
}

func definitionName(t reflect.Type) string {
	path := strings.Replace(t.PkgPath(), "k8s.io/", "io.k8s.", 1)
	return strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

type goField struct {
	t                   reflect.Type
	omitEmpty, omitZero bool
	strategy, mergeKey  string
}

// goFields are the fields of a struct by their json names, embedded ones included.
func goFields(t reflect.Type) map[string]goField {
	out := map[string]goField{}
	for at := 0; at < t.NumField(); at++ {
		field := t.Field(at)
		tag, tagged := field.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if name == "" && (strings.Contains(options, "inline") || (field.Anonymous && !strings.Contains(tag, "-"))) {
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			for name, field := range goFields(inner) {
				out[name] = field
			}
			continue
		}
		if !tagged || name == "-" || name == "" {
			continue
		}
		out[name] = goField{
			t: field.Type, omitEmpty: strings.Contains(options, "omitempty"), omitZero: strings.Contains(options, "omitzero"),
			strategy: field.Tag.Get("patchStrategy"), mergeKey: field.Tag.Get("patchMergeKey"),
		}
	}
	return out
}

// Types with a JSON form of their own, by their definitions' names.
var special = map[string]string{
	"io.k8s.apimachinery.pkg.api.resource.Quantity":                                              "q",
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString":                                            "I",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Time":                                                  "t",
	"io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime":                                             "u",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Duration":                                              "d",
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":                                              "x",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Patch":                                                 "x",
	"io.k8s.apimachinery.pkg.runtime.RawExtension":                                               "r",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON":                              "x",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray":            "x",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool":             "x",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray":      "x",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1beta1.JSON":                         "x",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1beta1.JSONSchemaPropsOrArray":       "x",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1beta1.JSONSchemaPropsOrBool":        "x",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1beta1.JSONSchemaPropsOrStringArray": "x",
}

type compiler struct {
	releases map[int]*release
	// Newest first, the fields' release before all others.
	order []int
	types map[string]reflect.Type
	index map[string]int
	lines []string
}

func (c *compiler) definition(name string) document {
	for _, minor := range c.order {
		if definition, known := c.releases[minor].definitions[name]; known {
			return definition
		}
	}
	return nil
}

// ref gives the definition that a schema points to, or "".
func ref(schema document) string {
	target := text(schema, "$ref")
	if all, _ := schema["allOf"].([]any); target == "" && len(all) == 1 {
		target = text(all[0].(document), "$ref")
	}
	return target[strings.LastIndex(target, "/")+1:]
}

func extension(schema document, name string) string { return text(schema, "x-kubernetes-"+name) }

// typeOf numbers a definition and compiles it on first sight.
func (c *compiler) typeOf(name string) int {
	if at, known := c.index[name]; known {
		return at
	}
	at := len(c.lines)
	c.index[name] = at
	c.lines = append(c.lines, "")
	definition := c.definition(name)
	if definition == nil {
		panic("no definition of " + name)
	}
	goType := c.types[name]
	var fields map[string]goField
	if goType != nil {
		fields = goFields(goType)
	}
	head := "T" + name[strings.LastIndex(name, ".")+1:]
	if extension(definition, "map-type") == "atomic" {
		head += " a"
	}
	body := []string{head}
	properties, _ := definition["properties"].(document)
	required := strs(definition["required"])
	var names []string
	for name := range properties {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		schema := properties[name].(document)
		field, known := fields[name]
		expr := ""
		if known {
			expr = c.expression(schema, field.t)
		} else {
			expr = c.expression(schema, nil)
			field.omitEmpty = !contains(required, name)
			field.strategy, field.mergeKey = extension(schema, "patch-strategy"), extension(schema, "patch-merge-key")
		}
		flags := ""
		if field.omitEmpty {
			flags += "o"
		}
		if field.omitZero {
			flags += "z"
		}
		if strings.Contains(field.strategy, "merge") {
			flags += "M"
		}
		if strings.Contains(field.strategy, "retainKeys") {
			flags += "R"
		}
		line := name + " " + expr + " " + flags
		if field.mergeKey != "" {
			line += " k" + field.mergeKey
		}
		if value, has := schema["default"]; has {
			if _, complex := value.(document); !complex {
				line += " =" + string(must(json.Marshal(value)))
			}
		}
		body = append(body, strings.TrimRight(line, " "))
	}
	c.lines[at] = strings.Join(body, "\n")
	return at
}

// expression is the shape of a value; the grammar is in src/sandbox/schema/table.rs.
func (c *compiler) expression(schema document, t reflect.Type) string {
	prefix := ""
	if t != nil && t.Kind() == reflect.Pointer {
		prefix, t = "*", t.Elem()
	}
	if name := ref(schema); name != "" {
		if letter, isSpecial := special[name]; isSpecial {
			return prefix + letter
		}
		definition := c.definition(name)
		if definition != nil && definition["properties"] == nil && definition["additionalProperties"] == nil && definition["type"] != nil && definition["type"] != "object" {
			return prefix + c.expression(definition, t)
		}
		if extension(schema, "map-type") == "atomic" {
			prefix += "a"
		} else if extension(schema, "map-type") == "granular" {
			prefix += "g"
		}
		return fmt.Sprintf("%s@%d", prefix, c.typeOf(name))
	}
	var element reflect.Type
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
		element = t.Elem()
	}
	switch text(schema, "type") {
	case "string":
		switch text(schema, "format") {
		case "byte":
			return prefix + "B"
		case "date-time":
			return prefix + "t"
		case "int-or-string":
			return prefix + "I"
		}
		return prefix + "s"
	case "integer":
		if t != nil && (t.Kind() == reflect.Int64 || t.Kind() == reflect.Int) || t == nil && text(schema, "format") == "int64" {
			return prefix + "l"
		}
		return prefix + "i"
	case "number":
		return prefix + "f"
	case "boolean":
		return prefix + "b"
	case "array":
		kind := "a"
		keys, strategy := strs(schema["x-kubernetes-list-map-keys"]), extension(schema, "patch-strategy")
		switch extension(schema, "list-type") {
		case "set":
			kind = "s"
		case "map":
			kind = "m" + strings.Join(keys, ",") + ";"
		case "":
			// As kube-openapi's schemaconv falls back to the patch strategy.
			if key := extension(schema, "patch-merge-key"); strings.HasPrefix(strategy, "merge") && key != "" {
				kind = "m" + key + ";"
			} else if strings.HasPrefix(strategy, "merge") {
				kind = "s"
			}
		}
		return prefix + "[" + kind + c.expression(schema["items"].(document), element)
	case "object":
		if inner, isSchema := schema["additionalProperties"].(document); isSchema {
			kind := "g"
			if extension(schema, "map-type") == "atomic" {
				kind = "a"
			}
			return prefix + "{" + kind + c.expression(inner, element)
		}
	}
	return prefix + "x"
}

func typesText(releases map[int]*release, minors []int, rows []*row) string {
	c := &compiler{releases: releases, types: goTypes(), index: map[string]int{}, order: []int{fieldsFrom}}
	for at := len(minors) - 1; at >= 0; at-- {
		if minors[at] != fieldsFrom {
			c.order = append(c.order, minors[at])
		}
	}
	kinds := map[string]string{}
	for _, minor := range c.order {
		for name, definition := range releases[minor].definitions {
			list, _ := definition["x-kubernetes-group-version-kind"].([]any)
			if len(list) != 1 {
				continue
			}
			gvk := list[0].(document)
			key := text(gvk, "group") + "/" + text(gvk, "version") + " " + text(gvk, "kind")
			if _, known := kinds[key]; !known {
				kinds[key] = name
			}
		}
	}
	wanted := map[string]bool{}
	for _, one := range rows {
		wanted[one.responseGroup+"/"+one.responseVersion+" "+one.kind] = true
	}
	var keys []string
	for key := range wanted {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var roots []string
	for _, key := range keys {
		name, known := kinds[key]
		if !known {
			fmt.Println("openapi: no schema of", key)
			continue
		}
		roots = append(roots, fmt.Sprintf("K%s %d", key, c.typeOf(name)))
	}
	return strings.Join(c.lines, "\n") + "\n" + strings.Join(roots, "\n") + "\n"
}
