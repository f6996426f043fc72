// Reads expressions, one a line, and a document; writes what gojq makes of
// `del(expression)`: the document, or `error` where gojq ends with one.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/itchyny/gojq"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			panic(err)
		}
		fmt.Printf("%s\t%s\n", lines.Text(), run(lines.Text(), document))
	}
}

func run(expression string, document any) string {
	query, err := gojq.Parse("del(" + expression + ")")
	if err != nil {
		return "error"
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return "error"
	}
	results := code.Run(document)
	first, ok := results.Next()
	if !ok {
		return "error"
	}
	if _, failed := first.(error); failed {
		return "error"
	}
	answer, err := json.Marshal(first)
	if err != nil {
		panic(err)
	}
	return string(answer)
}
