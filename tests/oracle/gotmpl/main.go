// Records what the real engine of Helm makes of template cases: the outputs,
// and the errors as text/template gives them, before Helm rewrites them.
//
//	go run . CASES-DIRECTORY        records every *.txt of the directory anew
//	go run . -serve                 answers requests, see serve.go
//	go run . -fuzz N -seed S        writes random cases, see fuzz.go
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"text/template"
	_ "unsafe"

	"helm.sh/helm/v4/pkg/engine"
)

// Helm's function table with include and tpl bound to t.
//
//go:linkname initFunMap helm.sh/helm/v4/pkg/engine.Engine.initFunMap
func initFunMap(e engine.Engine, t *template.Template)

const mainFile = "chart/templates/case.yaml"

// A case: files beside the main template, and the main template.
type testCase struct {
	name   string
	strict bool
	files  [][2]string
	main   string
}

// What became of a case.
type result struct {
	output string
	err    error
}

func (c testCase) run(data map[string]any) (r result) {
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("panic: %v", p)
		}
	}()
	t := template.New("gotpl")
	if c.strict {
		t.Option("missingkey=error")
	} else {
		t.Option("missingkey=zero")
	}
	initFunMap(engine.Engine{Strict: c.strict}, t)
	if counting != nil {
		t.Funcs(counting)
	}
	for _, file := range append(c.files, [2]string{mainFile, c.main}) {
		if _, err := t.New(file[0]).Parse(file[1]); err != nil {
			return result{err: err}
		}
	}
	var buf strings.Builder
	if err := t.ExecuteTemplate(&buf, mainFile, data); err != nil {
		return result{err: err}
	}
	return result{output: strings.ReplaceAll(buf.String(), "<no value>", "")}
}

// Typed values that JSON cannot say; tests/gotmpl builds the same.
func typed() map[string]any {
	return map[string]any{
		"int":     int(42),
		"int64":   int64(-7),
		"uint8":   uint8(200),
		"uint64":  uint64(18446744073709551615),
		"bytes":   []byte("abc\xff"),
		"raw":     "a\xffb\x00\u00e9",
		"strings": []string{"x", "y"},
		"ints":    []int{3, 1, 2},
		"strmap":  map[string]string{"k": "v"},
		"nillist": []any(nil),
		"nilmap":  map[string]any(nil),
		"nested":  [][]any{{int(1), "a"}, {}},
		"none":    nil,
	}
}

// The sections of a file of cases: lines that start with "=== ".
func parse(text string) (values string, cases []testCase) {
	var section, body string
	var current *testCase
	flush := func() {
		body = strings.TrimSuffix(body, "\n")
		word, rest, _ := strings.Cut(section, " ")
		switch word {
		case "values":
			values = body
		case "case", "strict":
			cases = append(cases, testCase{name: rest, strict: word == "strict", main: body})
			current = &cases[len(cases)-1]
		case "file":
			current.files = append(current.files, [2]string{rest, body})
		}
		body = ""
	}
	for _, line := range strings.SplitAfter(text, "\n") {
		if name, ok := strings.CutPrefix(line, "=== "); ok {
			flush()
			section = strings.TrimSuffix(name, "\n")
			continue
		}
		body += line
	}
	flush()
	return values, cases
}

func versions() string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if dep.Path == "helm.sh/helm/v4" {
			return fmt.Sprintf("helm %s, %s", dep.Version, runtime.Version())
		}
	}
	return runtime.Version()
}

func record(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	values, cases := parse(string(text))
	var out strings.Builder
	fmt.Fprintf(&out, "recorded by tests/oracle/gotmpl with %s\n=== values\n%s\n", versions(), values)
	for _, c := range cases {
		data := map[string]any{}
		if values != "" {
			if err := json.Unmarshal([]byte(values), &data); err != nil {
				return fmt.Errorf("%s: values: %w", path, err)
			}
		}
		data["T"] = typed()
		word := "case"
		if c.strict {
			word = "strict"
		}
		fmt.Fprintf(&out, "=== %s %s\n%s\n", word, c.name, c.main)
		for _, file := range c.files {
			fmt.Fprintf(&out, "=== file %s\n%s\n", file[0], file[1])
		}
		r := c.run(data)
		if r.err != nil {
			fmt.Fprintf(&out, "=== error\n%s\n", shorten(r.err.Error()))
		} else {
			fmt.Fprintf(&out, "=== output\n%s\n", r.output)
		}
	}
	return os.WriteFile(path, []byte(out.String()), 0o644)
}

// A loop of includes wraps a thousand times: both ends and the length tell enough.
func shorten(text string) string {
	if len(text) < 4000 {
		return text
	}
	return fmt.Sprintf("%s [%d bytes] %s", text[:500], len(text), text[len(text)-500:])
}

func main() {
	flags := flag.NewFlagSet("gotmpl", flag.ExitOnError)
	serving := flags.Bool("serve", false, "answer requests from stdin")
	fuzzing := flags.Int("fuzz", 0, "write so many random cases to stdout")
	seed := flags.Int64("seed", 1, "where the random cases start")
	skip := map[int]bool{}
	flags.Func("skip", "leave out the random case of this number (repeatable)", func(text string) error {
		number, err := strconv.Atoi(text)
		skip[number] = true
		return err
	})
	only := flags.String("only", "", "functions that the random cases prefer")
	if err := flags.Parse(os.Args[1:]); err != nil {
		panic(err)
	}
	switch {
	case *serving:
		serve(os.Stdin, os.Stdout)
		return
	case *fuzzing > 0:
		fuzz(*seed, *fuzzing, *only, skip, os.Stdout)
		return
	case flags.NArg() != 1:
		fmt.Fprintln(os.Stderr, "usage: gotmpl CASES-DIRECTORY | -serve | -fuzz N [-seed S]")
		os.Exit(2)
	}
	paths, err := filepath.Glob(filepath.Join(flags.Arg(0), "*.txt"))
	if err != nil {
		panic(err)
	}
	for _, path := range paths {
		if err := record(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
