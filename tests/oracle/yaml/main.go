// Command yaml prints what the YAML libraries of Kubernetes' tools do with
// given input, so that the tests can hold drupelet's own against it.
//
//	yaml parse  <cases.jsonl  one JSON string per line: a YAML document
//	yaml strict <cases.jsonl  the same, duplicate keys being errors
//	yaml emit   <cases.jsonl  one JSON value per line
//
// Each prints one line per case: {"ok":"..."} or {"error":"..."}.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"sigs.k8s.io/yaml"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		text, err := answer(os.Args[1], in.Bytes())
		line := map[string]string{"ok": text}
		if err != nil {
			line = map[string]string{"error": err.Error()}
		}
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(line); err != nil {
			panic(err)
		}
	}
}

func answer(mode string, line []byte) (text string, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("panic: %v", broken)
		}
	}()
	switch mode {
	case "parse", "strict":
		var document string
		if err := json.Unmarshal(line, &document); err != nil {
			panic(err)
		}
		convert := yaml.YAMLToJSON
		if mode == "strict" {
			convert = yaml.YAMLToJSONStrict
		}
		out, err := convert([]byte(document))
		return string(out), err
	case "emit":
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			panic(err)
		}
		out, err := yaml.Marshal(number(value))
		return string(out), err
	}
	panic("unknown mode " + mode)
}

// number gives each number the type that drupelet has for it.
func number(value any) any {
	switch value := value.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return whole
		}
		if whole, err := strconv.ParseUint(value.String(), 10, 64); err == nil {
			return whole
		}
		float, err := value.Float64()
		if err != nil {
			panic(err)
		}
		return float
	case []any:
		for i := range value {
			value[i] = number(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = number(value[key])
		}
	}
	return value
}
