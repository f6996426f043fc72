package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"
	"text/template"
	"time"
	_ "unsafe"
)

//go:linkname engineFuncs helm.sh/helm/v4/pkg/engine.funcMap
func engineFuncs() template.FuncMap

// A recorded case of the fuzzer, one line of JSON.
type fuzzCase struct {
	request
	answer
}

// Random templates and values with what the real engine makes of them. The
// templates are built along the types of the functions' parameters, so that
// most of them render; now and then a wrong one goes in.
// Cases to skip are those in which the real engine takes the process along: a map
// that contains itself, printed with a verb that does not go with it, overflows
// Go's stack, which nothing can catch.
func fuzz(seed int64, n int, only string, skip map[int]bool, out io.Writer) {
	writer := bufio.NewWriter(out)
	calls := map[string]int{}
	counting = counted(calls)
	rendered := 0
	encoder := json.NewEncoder(writer)
	g := newGenerator(only)
	for i := range n {
		if skip[i] {
			continue
		}
		g.Rand = rand.New(rand.NewSource(seed + int64(i)))
		r := g.request()
		values, err := json.Marshal(r.Values)
		if err != nil {
			panic(err)
		}
		data := map[string]any{}
		if err := json.Unmarshal(values, &data); err != nil {
			panic(err)
		}
		data["T"] = typed()
		last := r.Files[len(r.Files)-1]
		c := testCase{strict: r.Strict, files: r.Files[:len(r.Files)-1], main: last[1]}
		// The real engine has no limits.
		watch := time.AfterFunc(2*time.Minute, func() {
			fmt.Fprintf(os.Stderr, "case %d does not end: %s\n", i, last[1])
			os.Exit(3)
		})
		result := c.run(data)
		watch.Stop()
		if result.err == nil {
			rendered++
			for name := range bound {
				calls[name] += strings.Count(last[1], name+" ")
			}
		}
		a := answer{Output: []byte(result.output)}
		if result.err != nil {
			a = answer{Error: []byte(result.err.Error()), Failed: true}
		}
		if err := encoder.Encode(fuzzCase{r, a}); err != nil {
			panic(err)
		}
		// Whole lines say which case it was that ended the process.
		if err := writer.Flush(); err != nil {
			panic(err)
		}
	}
	fmt.Fprintf(os.Stderr, "cases %d\nrendered %d\n", n-len(skip), rendered)
	for _, f := range g.functions {
		fmt.Fprintf(os.Stderr, "calls %s %d\n", f.name, calls[f.name])
	}
}

// What the engine binds to each template anew, and nobody can wrap: counted by
// their names in templates that render.
var bound = map[string]bool{"include": true, "tpl": true, "required": true, "fail": true, "lookup": true, "getHostByName": true}

// The functions that count their calls, where they do.
var counting template.FuncMap

func counted(calls map[string]int) template.FuncMap {
	wrapped := template.FuncMap{}
	for name, f := range engineFuncs() {
		if bound[name] {
			continue
		}
		v := reflect.ValueOf(f)
		wrapped[name] = reflect.MakeFunc(v.Type(), func(args []reflect.Value) []reflect.Value {
			calls[name]++
			if v.Type().IsVariadic() {
				return v.CallSlice(args)
			}
			return v.Call(args)
		}).Interface()
	}
	return wrapped
}

type function struct {
	name string
	typ  reflect.Type
}

type generator struct {
	*rand.Rand
	functions []function
	byResult  map[reflect.Type][]function
	only      []string
	vars      []string
	inRange   int
	wrong     float64
}

var (
	anyType    = reflect.TypeFor[any]()
	stringType = reflect.TypeFor[string]()
	intType    = reflect.TypeFor[int]()
	boolType   = reflect.TypeFor[bool]()
	floatType  = reflect.TypeFor[float64]()
	int64Type  = reflect.TypeFor[int64]()
	listType   = reflect.TypeFor[[]any]()
	mapType    = reflect.TypeFor[map[string]any]()
)

// What differs from run to run, or from map order to map order; special()
// writes calls whose results do not.
var special = map[string]func(*generator, int) string{}

func init() {
	lengthOf := func(f func(*generator, int) string) func(*generator, int) string {
		return func(g *generator, d int) string { return "(" + f(g, d) + " | len)" }
	}
	for _, name := range []string{"randAlphaNum", "randAlpha", "randAscii", "randNumeric"} {
		special[name] = lengthOf(func(g *generator, d int) string { return name + " " + g.pick("0", "1", "5", "20", "-1") })
	}
	special["randBytes"] = lengthOf(func(g *generator, d int) string { return "randBytes " + g.pick("0", "1", "12") })
	special["randInt"] = func(g *generator, d int) string { return "(randInt 5 6)" }
	special["shuffle"] = lengthOf(func(g *generator, d int) string { return "shuffle " + g.str(d) })
	special["uuidv4"] = lengthOf(func(g *generator, d int) string { return "uuidv4" })
	special["now"] = func(g *generator, d int) string {
		return g.pick("(now | typeOf)", "(now | kindOf)", `(now | date "2006" | len)`, "(typeOf now.Year)", "(gt now.Unix 5)", "(unixEpoch now | len)")
	}
	special["ago"] = func(g *generator, d int) string { return "(ago now)" }
	special["keys"] = func(g *generator, d int) string { return "(keys " + g.mapping(d) + " | sortAlpha)" }
	special["values"] = func(g *generator, d int) string { return "(values " + g.mapping(d) + " | len)" }
	special["bcrypt"] = func(g *generator, d int) string { return `(bcrypt ` + g.str(d) + ` | trunc 4)` }
	special["htpasswd"] = func(g *generator, d int) string { return `(htpasswd "u` + g.pick("", "x", ":") + `" "p" | trunc 6)` }
	special["encryptAES"] = func(g *generator, d int) string {
		return `(encryptAES "` + g.pick("k", "0123456789abcdef0123456789abcdef", "") + `" ` + g.str(d) + ` | len)`
	}
	special["decryptAES"] = func(g *generator, d int) string {
		return g.pick(`(encryptAES "k" "text" | decryptAES "k")`, `(decryptAES "k" "`+g.pick("", "!!", "YWJj", "MDEyMzQ1Njc4OWFiY2RlZg==")+`")`)
	}
	special["derivePassword"] = func(g *generator, d int) string {
		return fmt.Sprintf(`(derivePassword %d "%s" "p" "%s" "example.com")`, g.Intn(3), g.pick("long", "maximum", "medium", "short", "basic", "pin", "nope"), g.pick("u", "", "user"))
	}
	// What hashes for a tenth of a second, and would take most of the time.
	for _, name := range []string{"bcrypt", "htpasswd", "derivePassword"} {
		write := special[name]
		special[name] = func(g *generator, d int) string {
			if g.Intn(6) == 0 {
				return write(g, d)
			}
			return `"seldom"`
		}
	}
	key := func(g *generator, d int) string {
		return `(genPrivateKey "` + g.pick("ecdsa", "ed25519", "ecdsa", "ed25519", "nope") + `" | trunc 20)`
	}
	special["genPrivateKey"] = key
	withKey := func(call string) func(*generator, int) string {
		return func(g *generator, d int) string {
			return `(` + fmt.Sprintf(call, g.pick("3", "365", "0"), `(genPrivateKey "`+g.pick("ecdsa", "ed25519")+`")`) + `.Cert | trunc 27)`
		}
	}
	special["genCAWithKey"] = withKey(`(genCAWithKey "ca" %s %s)`)
	special["genSelfSignedCertWithKey"] = withKey(`(genSelfSignedCertWithKey "cn" (list "10.0.0.1") (list "a.b") %s %s)`)
	special["genSignedCertWithKey"] = withKey(`(genSignedCertWithKey "cn" nil (list "a.b") %s (genCAWithKey "ca" 3 (genPrivateKey "ed25519")) %s)`)
	slow := func(call string) func(*generator, int) string {
		return func(g *generator, d int) string {
			if g.Intn(3) == 0 {
				return call
			}
			return "1"
		}
	}
	special["genCA"] = slow(`((genCA "ca" 3).Key | trunc 31)`)
	special["genSelfSignedCert"] = slow(`((genSelfSignedCert "cn" nil nil 3).Cert | trunc 27)`)
	special["genSignedCert"] = slow(`((genSignedCert "cn" nil nil 3 (genCAWithKey "ca" 3 (genPrivateKey "ed25519"))).Cert | trunc 27)`)
	special["buildCustomCert"] = func(g *generator, d int) string {
		return g.pick(`(buildCustomCert "YQ==" "Yg==")`, `(buildCustomCert "!" "Yg==")`, `((genCAWithKey "c" 1 (genPrivateKey "ecdsa")).Cert | b64enc | trunc 8)`)
	}
	special["semver"] = func(g *generator, d int) string {
		v := `(semver "` + g.pick(semvers...) + `")`
		return g.pick(v, v+".Major", v+".Minor", v+".Patch", v+".Prerelease", v+".Metadata", v+".Original", "("+v+".Compare "+v+")", "("+v+" | typeOf)", "("+v+" | toString)", "("+v+".IncMinor | toString)")
	}
	special["semverCompare"] = func(g *generator, d int) string {
		return `(semverCompare "` + g.pick(constraints...) + `" "` + g.pick(semvers...) + `")`
	}
	for _, name := range []string{"include", "tpl"} {
		special[name] = func(g *generator, d int) string {
			if name == "include" {
				return `(include "` + g.pick("one", "two", "three") + `" ` + g.any(d) + `)`
			}
			return "(tpl " + g.pick("`{{ . }}`", "`{{ .x }}{{ $ }}`", "`a{{- 1 -}} b`", `"plain"`, "`{{ include \"one\" . }}`", g.str(d)) + " " + g.any(d) + ")"
		}
	}
	special["fail"] = func(g *generator, d int) string {
		if g.Intn(3) == 0 {
			return "(fail " + g.str(d) + ")"
		}
		return `"no fail"`
	}
	dates := []string{`"2024-02-29"`, `"2023-12-31T23:59:59Z"`, `"x"`}
	toDate := func(g *generator) string {
		return `(toDate "` + g.pick("2006-01-02", "2006-01-02T15:04:05Z07:00", "02/01/06") + `" ` + g.pick(dates...) + ")"
	}
	point := func(g *generator) string {
		// A string would be read as now.
		return g.pick(toDate(g), toDate(g), fmt.Sprintf("(int64 %d)", g.Int63n(4_000_000_000)))
	}
	layout := func(g *generator) string {
		return `"` + g.pick("2006-01-02", "15:04:05", "Mon Jan _2 2006", "Monday, 02-Jan-06 15:04:05 MST", "2006-01-02T15:04:05Z07:00", "3:04PM .000 .999 002", "-0700 -07:00 Z0700 pm", "x2y1", "") + `"`
	}
	zone := func(g *generator) string {
		return `"` + g.pick("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Nowhere/Else", "", "Local") + `"`
	}
	duration := func(g *generator) string {
		return `"` + g.pick("1h", "-24h", "90s", "1h30m", "1.5h", "100ms", "x", "", "2400h") + `"`
	}
	special["date"] = func(g *generator, d int) string { return "(date_in_zone " + layout(g) + " " + point(g) + ` "UTC")` }
	special["htmlDate"] = func(g *generator, d int) string { return "(htmlDate " + toDate(g) + ")" }
	special["dateInZone"] = func(g *generator, d int) string {
		return "(dateInZone " + layout(g) + " " + point(g) + " " + zone(g) + ")"
	}
	special["date_in_zone"] = special["dateInZone"]
	special["htmlDateInZone"] = func(g *generator, d int) string { return "(htmlDateInZone " + point(g) + " " + zone(g) + ")" }
	for _, name := range []string{"dateModify", "date_modify", "mustDateModify", "must_date_modify"} {
		special[name] = func(g *generator, d int) string {
			return "(" + name + " " + duration(g) + " " + toDate(g) + ` | date "2006-01-02 15:04:05")`
		}
	}
	for _, name := range []string{"toDate", "mustToDate"} {
		special[name] = func(g *generator, d int) string {
			return "(" + name + " " + layout(g) + " " + g.pick(append(dates, g.str(d))...) + " | unixEpoch)"
		}
	}
	special["unixEpoch"] = func(g *generator, d int) string { return "(unixEpoch " + toDate(g) + ")" }
	special["duration"] = func(g *generator, d int) string {
		return "(duration " + g.pick(`"95"`, "95", "(int64 3700)", `"x"`, "1.5", g.any(d)) + ")"
	}
	special["durationRound"] = func(g *generator, d int) string {
		return "(durationRound " + g.pick(duration(g), `"2400h10m5s"`, "95000000000", "(int64 3700)", g.any(d)) + ")"
	}
	for _, name := range []string{"regexMatch", "regexFind", "regexFindAll", "regexReplaceAll", "regexReplaceAllLiteral", "regexSplit"} {
		for _, must := range []string{name, "mustR" + name[1:]} {
			special[must] = func(g *generator, d int) string {
				call := must + " `" + g.pick(regexes...) + "` " + g.str(d)
				switch name {
				case "regexFindAll", "regexSplit":
					call += " " + g.pick("-1", "0", "1", "2", "5")
				case "regexReplaceAll", "regexReplaceAllLiteral":
					call += ` "` + g.pick("", "x", "$1", "${1}y", "$0$0", "$$", "${a}", "$x") + `"`
				}
				return "(" + call + ")"
			}
		}
	}
	special["dig"] = func(g *generator, d int) string {
		return `(dig "` + g.pick("a", "b", "x") + `" ` + g.pick("", `"a" `, `"y" `) + g.any(d) + " " + g.mapping(d) + ")"
	}
	special["split"] = func(g *generator, d int) string {
		return "(" + g.pick("split", "split", "splitn") + g.pick(" ", " ") + g.pick(`"a"`, `""`, `","`) + " " + g.str(d) + ")"
	}
	special["splitn"] = func(g *generator, d int) string {
		return "(splitn " + g.pick(`"a"`, `""`, `","`, `" "`) + " " + g.pick("-1", "0", "1", "2", "3") + " " + g.str(d) + ")"
	}
	special["repeat"] = func(g *generator, d int) string {
		return "(repeat " + g.pick("0", "1", "3", "-1") + " " + g.str(d) + ")"
	}
	special["until"] = func(g *generator, d int) string { return "(until " + g.pick("0", "1", "5", "-3") + ")" }
	special["untilStep"] = func(g *generator, d int) string {
		return "(untilStep " + g.pick("0", "3", "-3") + " " + g.pick("0", "3", "-3", "10") + " " + g.pick("0", "1", "-1", "4") + ")"
	}
	special["seq"] = func(g *generator, d int) string {
		return "(seq " + g.pick("", "3", "0", "-2", "1 5", "5 1", "0 2 10", "10 -3 0", "0 0 1", "1 2 3 4") + ")"
	}
	special["chunk"] = func(g *generator, d int) string {
		return "(chunk " + g.pick("1", "2", "3", "10") + " " + g.list(d) + ")"
	}
	special["mustChunk"] = func(g *generator, d int) string {
		return "(mustChunk " + g.pick("1", "2", "3") + " " + g.pick(g.list(d), g.any(d)) + ")"
	}
	special["urlJoin"] = func(g *generator, d int) string {
		return "(urlJoin " + g.pick("(urlParse "+g.str(d)+")", `(dict "scheme" "https" "host" `+g.str(d)+` "path" "/a b")`, `(dict "host" "h" "query" "a=b" "fragment" "f" "userinfo" "u:p")`, g.mapping(d)) + ")"
	}
	special["urlParse"] = func(g *generator, d int) string { return `(urlParse ` + g.pick(urls...) + ")" }
	special["lookup"] = func(g *generator, d int) string { return `(lookup "v1" "Secret" "ns" ` + g.str(d) + ")" }
	// Nothing that could make a map hold itself: the real engine dies of it.
	special["set"] = func(g *generator, d int) string {
		if g.Intn(2) == 0 {
			return "(set " + g.field("m") + " " + g.literal() + " " + g.literal() + ")"
		}
		return "(set (dict " + g.literal() + " " + g.any(d) + ") " + g.str(d) + " " + g.any(d) + ")"
	}
	for _, name := range []string{"merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"} {
		special[name] = func(g *generator, d int) string {
			call := "(" + name + " (deepCopy " + g.field("m") + ")"
			for range g.Intn(4) {
				call += " " + g.expression(mapType, d)
			}
			return call + ")"
		}
	}
	documents := func(g *generator) string { return "`" + g.pick(yamls...) + "`" }
	for _, name := range []string{"fromYaml", "fromYamlArray"} {
		special[name] = func(g *generator, d int) string {
			return "(" + name + " " + g.pick(documents(g), documents(g), "("+g.pick("toYaml", "toJson")+" "+g.any(d)+")") + ")"
		}
	}
	for _, name := range []string{"fromJson", "fromJsonArray", "mustFromJson"} {
		special[name] = func(g *generator, d int) string {
			return "(" + name + " " + g.pick("`"+g.pick(jsons...)+"`", "(toJson "+g.any(d)+")", g.str(d)) + ")"
		}
	}
	special["fromToml"] = func(g *generator, d int) string {
		return "(fromToml " + g.pick("`"+g.pick(tomls...)+"`", "(toToml "+g.mapping(d)+")", g.str(d)) + ")"
	}
	// The Must variants of toToml panic with the same text.
	for _, name := range []string{"toToml", "mustToToml"} {
		special[name] = func(g *generator, d int) string {
			return "(" + name + " " + g.pick(g.mapping(d), g.mapping(d), g.any(d)) + ")"
		}
	}
}

var semvers = []string{"1.2.3", "v1.2.3", "1.2", "1", "1.2.3-alpha.1", "1.2.3-alpha.1+build.5", "1.2.3+b", "0.0.0", "v1.34.0-gke.100", "10.20.30", "1.02.3", "x", "", "1.2.3.4", "v1.34.1+k3s1"}

var constraints = []string{"^1.2.0", "~1.2", ">=1.0.0", ">1.0, <2", "1.x", "*", "1.2.3", "=1.2.3", "!=1.2.3", ">= 1.2.3-0", "<1.2.3 || >=2", "1.0 - 2.0", "~0.0.1", "^0.2", ">1.x", "x", "", ">=1.21-0", "<=1.34", "=> 1.0"}

var regexes = []string{"a", "[a-z]+", "^a.*c$", "(a)(b)?", "\\d+", "(?i)HE", "[", "a{2,3}", "\\s", "x*", "(?P<a>l+)o", "\\pL+", "", "[^a-z0-9]", "^$", "(?s).", "\\bw", "a|b", "(a+)+$", "\\Qa.b\\E", "(?m)^l", "a**", "\\8"}

// Valid ones, and no -0.0: the texts of YAML errors and the sign of zero
// differ (docs/compatibility.md).
var yamls = []string{"a: 1", "a: [1, 2]\nb: {c: d}", "- 1\n- two\n- 3.5", "a: yes\nb: 0644\nc: ~\nd: 1_000\ne: 0x1F", "x", "", "a: |\n  text\n  more\nb: >-\n  folded\n  text", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2", "a: 1\na: 2", "1: a\ntrue: b", "a: 2024-01-01\nb: 1e3\nc: 12:30:45", "\"a\\u00e9\": 'it''s'", "a:\n- b\n- c: d\n  e: f", "---\na: 1\n---\nb: 2", "null", "a: !!str 1\nb: !!int \"2\"", "? a\n: b", "a: \"x\\ty\"", "a: 9007199254740993\nb: 18446744073709551616\nc: 0.0\nd: 1.0"}

var jsons = []string{`{"a": 1}`, `[1, "b", null, true, 1.5e3]`, `{"a": {"b": [1]}}`, `{`, ``, `null`, `"x"`, `1`, `{"a": 1, "a": 2}`, `[1,]`, `{"a" 1}`, `{"\u00e9": "\ud83d\ude00\ud800"}`, ` [ ] `, `{"a": 9007199254740993}`, `tru`, `[1] x`, `{"a": 01}`}

var tomls = []string{"a = 1", "a = 'x'\n[b]\nc = 1.5\nd = [1, 2]", "[[t]]\nx = 1\n[[t]]\nx = 2", "a = 1\na = 2", "a", "a.b.c = true", "d = 2024-01-02T03:04:05Z", "a = { b = 1 }", "a = \"\\u00e9\\n\"", "a = \"\"\"\nmulti\"\"\"", "x = 0x1F\ny = 1_000\nz = inf"}

var urls = []string{`"https://u:p@h.com:80/a/b?q=1#f"`, `"http://h"`, `"/just/path"`, `""`, `"mailto:a@b"`, `"http://[::1]:80/"`, `"http://a b/"`, `"://x"`, `"http://h/%zz"`, `"h:80"`, `"http://h/a%20b?x=%20"`, `"//h/p"`, `"http://h:x/"`}

func newGenerator(only string) *generator {
	g := &generator{byResult: map[reflect.Type][]function{}}
	if only != "" {
		g.only = strings.Split(only, ",")
	}
	functions := engineFuncs()
	for name, f := range functions {
		g.functions = append(g.functions, function{name, reflect.TypeOf(f)})
	}
	sort.Slice(g.functions, func(i, j int) bool { return g.functions[i].name < g.functions[j].name })
	for _, f := range g.functions {
		g.byResult[f.typ.Out(0)] = append(g.byResult[f.typ.Out(0)], f)
	}
	return g
}

func (g *generator) pick(of ...string) string { return of[g.Intn(len(of))] }

var words = []string{"", "a", "abc", "Hello World", "foo-bar_baz", "héllo ☃ wörld", "42", "-7", "3.14", "1e5", "0x1F", "true", "null", "yes", "a,b,c", "  spaced  ", "line1\nline2\n", "tab\there", "{\"a\": 1}", "a: b", "/usr/lib/x.tar.gz", "../a//b/", "c:\\x", "1.2.3", "2024-02-29", "aGVsbG8=", "NBSWY3DP", "$x", "%s %d", "<a href='x'>&</a>", "UPPER", "camelCaseString", "snake_case_here", "# comment", "- item", "'quoted'", "\"dq\"", "~", "0644", "!!binary", "a very long line that goes on and on for more than eighty characters in order to see folding at work", "ends with space ", "\\", "`", "ÀÉÎõü ß", "日本語テキスト", "{{ . }}", "@", "|", ">", "a\\nb", "\x7f", "e\u0301"}

func (g *generator) values() map[string]any {
	m := map[string]any{}
	for i := range 4 {
		m[fmt.Sprintf("s%d", i)] = words[g.Intn(len(words))]
		m[fmt.Sprintf("n%d", i)] = g.number()
		m[fmt.Sprintf("l%d", i)] = g.valueList(2)
		m[fmt.Sprintf("m%d", i)] = g.valueMap(2)
		m[fmt.Sprintf("x%d", i)] = g.value(2)
	}
	m["t"] = true
	m["f"] = false
	m["nil"] = nil
	return m
}

func (g *generator) number() any {
	switch g.Intn(6) {
	case 0:
		return 0
	case 1:
		return g.Intn(100)
	case 2:
		return -g.Intn(100)
	case 3:
		return float64(g.Intn(10000)) / 16
	case 4:
		return g.Int63n(1 << 40)
	default:
		return []any{1e21, 1e-7, 123456789.125, 1e6, 999999, 1e20, 0.1, 65536, 9007199254740993}[g.Intn(9)]
	}
}

func (g *generator) value(depth int) any {
	switch k := g.Intn(9); {
	case k == 0:
		return nil
	case k == 1:
		return g.Intn(2) == 0
	case k <= 3:
		return g.number()
	case k <= 5 || depth == 0:
		return words[g.Intn(len(words))]
	case k == 6:
		return g.valueList(depth - 1)
	default:
		return g.valueMap(depth - 1)
	}
}

func (g *generator) valueList(depth int) []any {
	l := []any{}
	for range g.Intn(5) {
		l = append(l, g.value(depth))
	}
	return l
}

func (g *generator) valueMap(depth int) map[string]any {
	m := map[string]any{}
	for range g.Intn(5) {
		m[g.pick("a", "b", "c", "x", "y", "a-b", "10", "9", "Key", "é", "")] = g.value(depth)
	}
	return m
}

func (g *generator) literal() string {
	w := words[g.Intn(len(words))]
	if g.Intn(4) == 0 && !strings.ContainsAny(w, "`\r") {
		return "`" + w + "`"
	}
	return fmt.Sprintf("%q", w)
}

func (g *generator) field(prefix string) string {
	return g.pick(".V.", "$.V.") + prefix + fmt.Sprint(g.Intn(4))
}

// An expression of the type, in parentheses where it needs them.
func (g *generator) expression(t reflect.Type, depth int) string {
	if g.Float64() < g.wrong {
		return g.any(depth)
	}
	switch t {
	case stringType:
		return g.str(depth)
	case intType, int64Type:
		// Small: indent and its like make as much text as they are told.
		return g.pick("0", "1", "2", "3", "5", "10", "-1", "40", "0x10", "'a'", "(mod "+g.field("n")+" 50 | int)", "(len "+g.literal()+")")
	case floatType:
		return g.pick("0.5", "1", "2.25", "1e3", g.field("n"))
	case boolType:
		return g.boolean(depth)
	case listType:
		return g.list(depth)
	case mapType:
		return g.mapping(depth)
	case anyType:
		return g.any(depth)
	case reflect.TypeFor[[]string]():
		return g.pick(".T.strings", "(splitList \"a\" "+g.str(depth)+")")
	}
	return g.any(depth)
}

func (g *generator) str(depth int) string {
	if depth > 0 && g.Intn(3) == 0 {
		return g.callTo(stringType, depth)
	}
	switch g.Intn(10) {
	case 0, 1, 2, 3:
		return g.literal()
	case 4:
		if len(g.vars) > 0 {
			return g.variable()
		}
		fallthrough
	case 5:
		return g.pick(".T.raw", "(.V.x0 | toString)", "(.V.m1.a | toYaml)", "(.V.s1 | quote)")
	default:
		return g.field("s")
	}
}

func (g *generator) variable() string { return g.vars[g.Intn(len(g.vars))] }

func (g *generator) boolean(depth int) string {
	if depth > 0 && g.Intn(2) == 0 {
		return g.callTo(boolType, depth)
	}
	if depth > 0 {
		d := depth - 1
		return "(" + g.pick("eq "+g.any(d)+" "+g.any(d), "not "+g.any(d), "and "+g.any(d)+" "+g.any(d), "or "+g.any(d)+" "+g.any(d), "lt "+g.field("n")+" "+g.field("n"), "ge "+g.str(d)+" "+g.str(d), "ne "+g.any(d)+" nil", "gt (int "+g.any(d)+") 3", "le 1 2") + ")"
	}
	return g.pick("true", "false", ".V.t", ".V.f")
}

func (g *generator) list(depth int) string {
	if depth > 0 && g.Intn(3) == 0 {
		return g.callTo(listType, depth)
	}
	if g.Intn(2) == 0 {
		return g.field("l")
	}
	s := "(list"
	for range g.Intn(4) {
		s += " " + g.any(depth-1)
	}
	return s + ")"
}

func (g *generator) mapping(depth int) string {
	if depth > 0 && g.Intn(4) == 0 {
		return g.callTo(mapType, depth)
	}
	if g.Intn(2) == 0 {
		return g.field("m")
	}
	s := "(dict"
	for range g.Intn(4) {
		s += ` "` + g.pick("a", "b", "x", "y") + `" ` + g.any(depth-1)
	}
	return s + ")"
}

func (g *generator) any(depth int) string {
	if depth > 0 && g.Intn(3) == 0 {
		return g.call(g.function(), depth)
	}
	switch g.Intn(16) {
	case 0:
		return g.field("n")
	case 1:
		return g.pick("true", "false", ".V.nil", "nil", ".V.t", ".V.none")
	case 2:
		return g.pick("1", "0", "-5", "1.5", "1e3", "'x'", "0x1f", "017", "1_0")
	case 3, 4:
		return g.field("x")
	case 5:
		return g.list(depth - 1)
	case 6:
		return g.mapping(depth - 1)
	case 7:
		return g.pick(".", "$.V.l2", "(.V.m0 | dig \"x\" \"y\" 1)", ".V.m1.b", ".V.m0.a", "(index .V.m2 \"a\")", "(first .V.l1)", "$.V.x0")
	case 8:
		return ".T." + g.pick("int", "int64", "uint8", "uint64", "bytes", "raw", "strings", "ints", "strmap", "nillist", "nilmap", "nested", "none")
	case 9:
		if len(g.vars) > 0 {
			return g.variable()
		}
		fallthrough
	default:
		return g.str(depth - 1)
	}
}

func (g *generator) function() function {
	if len(g.only) > 0 && g.Intn(2) == 0 {
		name := g.pick(g.only...)
		for _, f := range g.functions {
			if f.name == name {
				return f
			}
		}
	}
	return g.functions[g.Intn(len(g.functions))]
}

func (g *generator) callTo(t reflect.Type, depth int) string {
	functions := g.byResult[t]
	if len(functions) == 0 {
		return g.any(depth - 1)
	}
	return g.call(functions[g.Intn(len(functions))], depth)
}

func (g *generator) call(f function, depth int) string {
	if write, ok := special[f.name]; ok {
		return write(g, depth-1)
	}
	var args []string
	n := f.typ.NumIn()
	if f.typ.IsVariadic() {
		n = n - 1 + g.Intn(4)
	}
	if g.Float64() < g.wrong/3 {
		n += 1 - 2*g.Intn(2)
	}
	for i := range n {
		var t reflect.Type
		switch {
		case i < f.typ.NumIn()-1 || !f.typ.IsVariadic() && i < f.typ.NumIn():
			t = f.typ.In(i)
		case f.typ.IsVariadic():
			t = f.typ.In(f.typ.NumIn() - 1).Elem()
		default:
			t = anyType
		}
		if f.name == "dict" && i%2 == 0 {
			t = stringType
		}
		args = append(args, g.expression(t, depth-1))
	}
	if n > 0 && g.Intn(3) == 0 {
		last := args[n-1]
		if slices.Contains([]string{"true", "false", "nil"}, last) {
			last = "(" + last + ")"
		}
		if last == "nil" || last == "(nil)" {
			last = ".V.nil"
		}
		return "(" + last + " | " + strings.Join(append([]string{f.name}, args[:n-1]...), " ") + ")"
	}
	return "(" + strings.Join(append([]string{f.name}, args...), " ") + ")"
}

func (g *generator) action(body string) string {
	left, right := "{{ ", " }}"
	if g.Intn(5) == 0 {
		left = "{{- "
	}
	if g.Intn(5) == 0 {
		right = " -}}"
	}
	return left + body + right
}

func (g *generator) statements(depth int) string {
	var b strings.Builder
	mark := len(g.vars)
	for range 1 + g.Intn(3) {
		b.WriteString(g.statement(depth))
	}
	g.vars = g.vars[:mark]
	return b.String()
}

func (g *generator) show(depth int) string {
	value := g.any(depth)
	return g.pick(value, value, value+" | quote", value+" | toJson", value+" | toYaml | nindent 2", "printf "+fmt.Sprintf("%q", g.pick("%v", "%s", "%d", "%q", "%T", "%5v", "%x", "%+v", "%#v", "%g", "%t", "%c", "%U", "%e"))+" "+value, value+" | toString", value+" | kindOf", value+" | typeOf", "print "+value+" "+g.any(depth), "len "+value, "html "+value, value+" | default "+g.str(1))
}

func (g *generator) statement(depth int) string {
	if depth == 0 {
		return g.pick("text ", "\n", " x\n  ", "") + g.action(g.show(2))
	}
	d := depth - 1
	if g.Intn(12) == 0 {
		return g.reach()
	}
	switch g.Intn(14) {
	case 0:
		return g.action("if "+g.any(2)) + g.statements(d) + g.action("end")
	case 1:
		return g.action("if "+g.boolean(2)) + g.statements(d) + g.action("else if "+g.any(1)) + g.statements(d) + g.action("else") + g.statements(d) + g.action("end")
	case 2:
		return g.action("with "+g.any(2)) + g.withDot(d) + g.action("else") + g.statements(d) + g.action("end")
	case 3, 4:
		over := g.pick(g.list(2), g.mapping(2), g.list(2), g.mapping(2), "(until 3)")
		if g.Intn(12) == 0 {
			over = g.pick("3", "true", "nil", g.str(1), ".T.ints", ".T.bytes", ".T.strmap")
		}
		head := "range " + over
		mark := len(g.vars)
		switch g.Intn(3) {
		case 0:
			head = "range $e := " + over
			g.vars = append(g.vars, "$e")
		case 1:
			head = "range $i, $e := " + over
			g.vars = append(g.vars, "$i", "$e")
		}
		g.inRange++
		body := g.withDot(d)
		if g.Intn(5) == 0 {
			body += g.action("if "+g.boolean(1)) + g.action(g.pick("break", "continue")) + g.action("end") + g.statements(0)
		}
		g.inRange--
		g.vars = g.vars[:mark]
		tail := ""
		if g.Intn(3) == 0 {
			tail = g.action("else") + g.statements(d)
		}
		return g.action(head) + body + tail + g.action("end")
	case 5:
		name := fmt.Sprintf("$v%d", len(g.vars))
		s := g.action(name + " := " + g.any(3))
		g.vars = append(g.vars, name)
		return s
	case 6:
		if len(g.vars) > 0 {
			return g.action(g.variable() + " = " + g.any(2))
		}
		fallthrough
	case 7:
		return g.action(`include "` + g.pick("one", "two", "three") + `" ` + g.any(1) + g.pick("", " | indent 2", " | quote"))
	case 8:
		return g.action(`template "` + g.pick("one", "two", "three") + `" ` + g.any(1))
	case 9:
		return "{{/* comment */}}"
	default:
		return g.pick("text ", "\n", " x\n  ", "") + g.action(g.show(3))
	}
}

// In a with or range the dot is another, so fields start from $.
func (g *generator) withDot(depth int) string {
	s := g.statements(depth)
	if g.Intn(10) != 0 {
		s = strings.NewReplacer(" .V", " $.V", "(.V", "($.V", " .T", " $.T", "(.T", "($.T").Replace(s)
	}
	return g.action(g.pick(".", ". | toJson", "kindOf .", "quote .", "typeOf .", "default 1 .", "dict \"a\" .", "print .")) + s
}

func (g *generator) request() request {
	g.vars = nil
	g.wrong = 0.01
	if g.Intn(10) == 0 {
		g.wrong = 0.15
	}
	helpers := `{{ define "one" }}[{{ . }}]{{ end }}{{ define "two" }}{{ with . }}{{ kindOf . }}{{ else }}none{{ end }}{{ end }}{{ define "three" }}{{ include "one" . | quote }}{{ template "two" . }}{{ end }}`
	body := g.statements(2)
	if g.Intn(30) == 0 && len(body) > 0 {
		// Broken syntax: a byte less, or one more.
		at := g.Intn(len(body))
		body = body[:at] + g.pick("", "}", "{{", "(", "|", "\"", ".", "-", "$") + body[at+g.Intn(2):]
		// The cases are handed over as JSON.
		body = strings.ToValidUTF8(body, "")
	}
	return request{
		Files:  [][2]string{{"chart/templates/_helpers.tpl", helpers}, {mainFile, body}},
		Values: map[string]any{"V": g.values()},
		Strict: g.Intn(20) == 0,
	}
}
