package main

import (
	"fmt"
)

// What random expressions seldom come upon: assignments in range, complex
// numbers, structs and their fields, call, keys and certificates in all forms.

// Keys and a certificate for tests; they guard nothing.
var keys = []string{
	`-----BEGIN RSA PRIVATE KEY-----
MIICWwIBAAKBgQDgAiLoC8RR79Voh34j/cTtViMOLtqlrfhe4Y9TQK/gnHllBDxi
Z330qESKLuM0mPx/jkBufmkXrgFcTAP9D9oHqE8IIJMBNX7d9eD5I3wta5HPHIze
AkrWpqDNf6qZHLmD4AE5OL9gVGwmYpfprj9TmG5oLjxxO/6ghhAbH4dFUQIDAQAB
AoGAO9G2Opsx0OOn7KMKF1hkJzDyaY4vi0Da65N2b7f9f5CphkVMTsbuRtBMhU4i
FGCqRPHa2Obe75ji+h++jOyXvyWeK1Koer/GyaSVGuN0hDs9mg4wbwYx6K6zpFPc
r1EnUmXQba+6zHO0H2+DE4k6Qu4d10RqGuYWrd2MmV7MH5UCQQD+Ii/i6nrclZlr
chZJrCFym0ByEdvAIS5VYD31nFSlagVEU9FU0NxdSV9CQtxJqKovEic3DVhzFx0d
sUq12GvfAkEA4adPF/6pXMPbxYDuDCfJ29O9K6pezIcHMtYdPtM6L2Qnzh3IjFGw
Wmums7L9raR0EsR8Qz4k6IkixgZkADl0zwJAZmAdTFtLTUtSt68I/XrDKqkSSCGb
lgWH5crUivoEO3K/Vmwxmupcq5PgNRA8L8wrarT0aUAODqcUCp8eSq05nwJAS0xW
M06SW1csBfrg9INuc4FzdZezbJJ+T3NtbOJ1Xw0Pz1LW8iPsMjAL/5jx17ix1vVj
9dhN3p6sUOIfCoghtwJAU/YuXnCgVWPvBQmFpQiHrjJ6WUAqDRHp89+St3iUF4g1
Z7zIRvsmQpJhlwG2+/g0lP8oZDHUm98GuahL0UKiaA==
-----END RSA PRIVATE KEY-----`,
	`-----BEGIN PRIVATE KEY-----
MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAOACIugLxFHv1WiH
fiP9xO1WIw4u2qWt+F7hj1NAr+CceWUEPGJnffSoRIou4zSY/H+OQG5+aReuAVxM
A/0P2geoTwggkwE1ft314PkjfC1rkc8cjN4CStamoM1/qpkcuYPgATk4v2BUbCZi
l+muP1OYbmguPHE7/qCGEBsfh0VRAgMBAAECgYA70bY6mzHQ46fsowoXWGQnMPJp
ji+LQNrrk3Zvt/1/kKmGRUxOxu5G0EyFTiIUYKpE8drY5t7vmOL6H76M7Je/JZ4r
Uqh6v8bJpJUa43SEOz2aDjBvBjHorrOkU9yvUSdSZdBtr7rMc7Qfb4MTiTpC7h3X
RGoa5hat3YyZXswflQJBAP4iL+LqetyVmWtyFkmsIXKbQHIR28AhLlVgPfWcVKVq
BURT0VTQ3F1JX0JC3Emoqi8SJzcNWHMXHR2xSrXYa98CQQDhp08X/qlcw9vFgO4M
J8nb070rql7Mhwcy1h0+0zovZCfOHciMUbBaa6azsv2tpHQSxHxDPiToiSLGBmQA
OXTPAkBmYB1MW0tNS1K3rwj9esMqqRJIIZuWBYflytSK+gQ7cr9WbDGa6lyrk+A1
EDwvzCtqtPRpQA4OpxQKnx5KrTmfAkBLTFYzTpJbVywF+uD0g25zgXN1l7Nskn5P
c21s4nVfDQ/PUtbyI+wyMAv/mPHXuLHW9WP12E3enqxQ4h8KiCG3AkBT9i5ecKBV
Y+8FCYWlCIeuMnpZQCoNEenz35K3eJQXiDVnvMhG+yZCkmGXAbb7+DSU/yhkMdSb
3wa5qEvRQqJo
-----END PRIVATE KEY-----`,
	`-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOPu0oZ5gaopWCXGVoCP/Fsve3KRgU+mVuRPLQoFbKPooAoGCCqGSM49
AwEHoUQDQgAElpaDAXm/92LuPndEBzoNbCJH6lIE4ls7mwYGk0VWQQERbJLlUZB0
f/UhvIQqas2/GNA0P/HJxlHP79qxAbnPHA==
-----END EC PRIVATE KEY-----`,
	`-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIB2TFofPBSCk8nEmnm3/Y3wuqimDCwjLiCKB0DdnlYXT
-----END PRIVATE KEY-----`,
	`-----BEGIN DSA PRIVATE KEY-----
MIIBygIBAAKBgQD/6Gn4wGbqDSKvGmIP6C+9tFqTSn3WPMQ6GIFyqaTb8xnHZAuA
cfvnuPQJ5zh+VB4E4eCxH7qw5Ld1z3ueQWlweDuPQFyQyGwiB9NvPWQUZm9D4601
qJiZ6hTkMevIoc4zoKnKAOLcgDJvNSTPEs3AlLLuxBj7rqTZvs/BmA8E1QIdAIhB
po/DheJGeH2fe9WuaeLPZHiF5H3BNAyV3M0CgYAuQRR8vLglv+acQ1HU5ei9ceSr
Gc3989LV3KHCwFRDOGiREXex2/dLm4mtDhjPsxZvuOS2iwIay1v3J9HpQxdCqoy2
+WHKy6uyN837MjkHWtyAsC4uyJyjZXvzdFTLToORR4V2T/J8jtMwLZ8lGRb7mhT6
Dv8MBkunAi+yrHZ/YAKBgEWBOWg2byj9mPd/LZU5F2RdkbwHC0JwTSMtdxMECfog
IMFTFcQanBIugN9v45ejAU9x7yNQZUzJFS6a5RtTiRP+XaCx57ZtZ3iso/EfjAyj
mWcU0evNJnlKDZ6NDHYUeQinZTDQh1PykJKiLxTQ8DPFvZju2InKY2E3aBYDuyly
Ahw1CWatMUsPNd9CAZwt4ErVcsjMtMKDAjq8By+7
-----END DSA PRIVATE KEY-----`,
	"-----BEGIN FOO PRIVATE KEY-----\nAAAA\n-----END FOO PRIVATE KEY-----",
	"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
	"no key",
}

var certificates = []string{
	`-----BEGIN CERTIFICATE-----
MIIB/DCCAWWgAwIBAgIUDWG6WA4QPh5j9TdEXwTJdgfggv8wDQYJKoZIhvcNAQEL
BQAwEDEOMAwGA1UEAwwFZml4ZWQwHhcNMjYxMTI4MTczNTI4WhcNMzYxMTI1MTcz
NTI4WjAQMQ4wDAYDVQQDDAVmaXhlZDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkC
gYEA4AIi6AvEUe/VaId+I/3E7VYjDi7apa34XuGPU0Cv4Jx5ZQQ8Ymd99KhEii7j
NJj8f45Abn5pF64BXEwD/Q/aB6hPCCCTATV+3fXg+SN8LWuRzxyM3gJK1qagzX+q
mRy5g+ABOTi/YFRsJmKX6a4/U5huaC48cTv+oIYQGx+HRVECAwEAAaNTMFEwHQYD
VR0OBBYEFNjDNBFdEnV1pwN4zwPAE1FkDhzRMB8GA1UdIwQYMBaAFNjDNBFdEnV1
pwN4zwPAE1FkDhzRMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEA
SBkuJHjpFHhYNm4hn9tdYipJ1tcw4Ew61T0UgsYRMwgqeIb1YOGftWq2vXA5nkko
oPDWCJmXbMSjWj0nzZcBfXKENWVRmapNIpbhC1apCfPaVDK/bbzU0JSt96dynnMA
iH2+ferFXpTFqVU21yBWTwS1XAMtjMjPeXfEPQZUahM=
-----END CERTIFICATE-----`,
	"no certificate",
}

func (g *generator) key() string {
	if g.Intn(2) == 0 {
		return "`" + keys[g.Intn(4)] + "`"
	}
	return "`" + g.pick(keys...) + "`"
}

func (g *generator) certificate() string {
	if g.Intn(2) == 0 {
		return "`" + certificates[0] + "`"
	}
	return "`" + g.pick(certificates...) + "`"
}

func init() {
	names := func(g *generator) string {
		ips := g.pick("nil", "(list)", `(list "10.0.0.1" "::1")`, `(list "x")`, "(list 1)", `(list "10.0.0.1")`)
		hosts := g.pick("nil", "(list)", `(list "a.b" "c")`, "(list 1)", `(list "a.b")`)
		return ips + " " + hosts
	}
	seldom := func(name string, write func(*generator) string) {
		before := special[name]
		special[name] = func(g *generator, d int) string {
			if g.Intn(2) == 0 {
				return before(g, d)
			}
			return write(g)
		}
	}
	authority := func(g *generator) string {
		return g.pick("(buildCustomCert ("+g.certificate()+" | b64enc) ("+g.key()+" | b64enc))",
			`(genCAWithKey "ca" 3 `+g.key()+`)`)
	}
	seldom("genCAWithKey", func(g *generator) string {
		return `((genCAWithKey "ca" ` + g.pick("3", "-1") + " " + g.key() + ").Cert | trunc 27)"
	})
	seldom("genSelfSignedCertWithKey", func(g *generator) string {
		return `((genSelfSignedCertWithKey "cn" ` + names(g) + " 3 " + g.key() + ").Key | trunc 31)"
	})
	seldom("genSignedCertWithKey", func(g *generator) string {
		return `((genSignedCertWithKey "cn" ` + names(g) + " 3 " + authority(g) + " " + g.key() + ").Cert | trunc 27)"
	})
	seldom("buildCustomCert", func(g *generator) string {
		return "(" + authority(g) + "." + g.pick("Cert", "Key", "Cert", "none", `Cert "x"`, "cert") + " | sha1sum | len)"
	})
	seldom("durationRound", func(g *generator) string {
		return "(durationRound " + g.pick(`"5s"`, `"30h"`, `"10000h"`, `"900h"`, `"3m"`, `(toDate "2006-01-02" "1970-01-01")`, `"1ms"`) + ")"
	})
	seldom("dateInZone", func(g *generator) string {
		return "(dateInZone " + g.pick(`"2006-01-02" 86400`, `"15:04" .T.int`, `"" "x"`, `"2006" .T.int64`) + ` "UTC")`
	})
	special["date_in_zone"] = special["dateInZone"]
	seldom("ago", func(g *generator) string {
		return "(ago " + g.pick(`"x"`, `(int64 5) | typeOf`, "5 | kindOf", `(toDate "2006-01-02" "2020-01-01") | typeOf`) + ")"
	})
	seldom("dig", func(g *generator) string { return g.pick(`(dig "a" (dict))`, `(dig (dict))`, "(dig)") })
	seldom("urlJoin", func(g *generator) string {
		return `(urlJoin (dict "scheme" "https" "host" "h" "userinfo" "` + g.pick("u", "u:p", "%zz", "a b", "u:%20") + `"))`
	})
	seldom("seq", func(g *generator) string { return "(seq " + g.pick("5 1 1", "1 5 -1", "1 5 2", "5 1 -2") + ")" })
	for _, name := range []string{"get", "pluck"} {
		special[name] = func(g *generator, d int) string {
			m := g.pick(`(dict "a" `+g.any(d)+` "b" 1)`, g.mapping(d))
			if name == "get" {
				return "(get " + m + ` "` + g.pick("a", "b", "none") + `")`
			}
			return `(pluck "` + g.pick("a", "b", "none") + `" ` + m + g.pick("", " "+g.mapping(d)) + ")"
		}
	}
	for _, name := range []string{"empty", "toPrettyJson", "mustToPrettyJson"} {
		special[name] = func(g *generator, d int) string {
			return "(" + name + " " + g.pick(`(semver "1.2.3")`, "1i", "0i", g.any(d), g.any(d), g.any(d), g.any(d)) + ")"
		}
	}
	special["derivePassword"] = or(special["derivePassword"], func(g *generator, d int) string {
		return "(derivePassword " + g.pick("-1", "1.5", `"x"`, "4294967296") + ` "long" "p" "u" "s")`
	})
}

func or(one, other func(*generator, int) string) func(*generator, int) string {
	return func(g *generator, d int) string {
		if g.Intn(4) == 0 {
			return other(g, d)
		}
		return one(g, d)
	}
}

// A statement of a form that the others leave out.
func (g *generator) reach() string {
	nothing := g.pick(".V.nil", "$.V.none", "(first $.V.l0)", "$.T.none", `(get $.V.m0 "none")`, "$.V.x0")
	complexes := g.pick("1i", "0i", "2.5i", "-1e3i", "0x1p2i")
	body := "[" + g.action(g.pick(".", "$e", "$i", "$")) + "]"
	switch g.Intn(18) {
	case 0:
		return g.action("$e := "+g.any(1)) + g.action("range $e = "+g.pick(g.list(1), g.mapping(1), "3", "(until 2)")) + "[" + g.action("$e") + "]" + g.action("end") + g.action("$e")
	case 1:
		return g.action("$i := 1") + g.action("$e := 2") + g.action("range $i, $e = "+g.pick(g.list(1), g.mapping(1), "2")) + body + g.action("end") + g.action("$i") + g.action("print $e")
	case 2:
		return g.action(g.pick("if ", "with ")+complexes) + "yes" + g.action("else") + "no" + g.action("end")
	case 3:
		return g.action(g.pick(complexes, complexes+" | typeOf", "print "+complexes+" "+complexes, "printf "+fmt.Sprintf("%q", g.pick("%v", "%g", "%.2f", "%+v", "%T", "%d", "%s", "%8.3f"))+" "+complexes, complexes+" | kindOf", "eq "+complexes+" "+complexes, "list "+complexes+" | toString", "lt "+complexes+" 1"))
	case 4:
		return g.action(g.pick("if now", "with (now)", `if (semver "1.2.3")`, `if not now`, "if empty now")) + "yes" + g.action("else") + "no" + g.action("end")
	case 5:
		return g.action("range "+g.pick("$v, $w := ", "$w := ", "")+nothing) + "in" + g.action("else") + "none" + g.action("end")
	case 6:
		return g.action(`template "` + g.pick("one", "two") + `"`)
	case 7:
		return g.action(g.pick("", "print ", "int64 ", "add 1 ", "toString ") + g.pick("18446744073709551615", "9223372036854775808", "9223372036854775807", "-9223372036854775808", "0xffffffffffffffff", "1e400", "99999999999999999999"))
	case 8:
		return g.action("(" + nothing + ")." + g.pick("x", "x.y", `x "a"`))
	case 9:
		return g.action("$v := "+nothing) + g.action("$v."+g.pick("x", "a.b", "x | default 1"))
	case 10:
		version := `(semver "1.2.3-a")`
		return g.action(g.pick("now.wall", "now.loc", version+".major", version+`.Major "x"`, version+".None", "now.None", "now.Clock", "now.Date | len", `now.Year 1`, "now.ISOWeek", version+".LessThan "+version, version+".LessThan 1", version+".LessThan", "now.Before 1", "now.AddDate 1 1 1 | typeOf"))
	case 11:
		return g.action(`(genCAWithKey "c" 1 ` + "`" + keys[3] + "`)." + g.pick(`Cert "x"`, "Cert | trunc 27", "none", "Key | len"))
	case 12:
		return g.action(g.any(1) + " | " + g.pick("and", "or") + g.pick("", " "+g.any(1), " "+g.any(1)+" "+g.any(1)))
	case 13:
		return g.action(g.pick("call "+g.any(1), "call", "call "+g.any(1)+" "+g.any(1), g.any(1)+" | call", g.any(1)+" | call "+g.any(1), "call nil"))
	case 14:
		return g.action("ternary 1 2 " + g.pick(`"x"`, "1", "nil", "true", ".V.t", g.any(1)))
	case 15:
		return g.action("derivePassword " + g.pick("-1", "1.5", `"x"`) + ` "long" "p" "u" "s"`)
	case 16:
		if g.Intn(100) == 0 {
			return `{{ define "loop" }}{{ template "loop" . }}{{ end }}{{ template "loop" . }}`
		}
		return g.action("block \"own"+g.pick("", "2")+"\" "+g.any(1)) + g.action(".") + g.action("end")
	default:
		return g.action(g.pick("break", "continue", "else", "end", "nil", "nil.x", "true.x", "1.x", `"a".x`, "nothing 1", ".", "$", "$.V.m0.a.b.c", "-", "template", "define \"x\"", "range", "$x := 1 | $y := 2", "$undefined", "(1).x", "1 2", ".V.s0 1", "true 1", "1 | 2", "(now).UTC.Year | kindOf"))
	}
}
