// A real OCI registry for tests: the distribution project's, in memory, on a
// port of loopback that it prints.
//
//	oci-registry [-htpasswd FILE] [-cert FILE -key FILE]
//	oci-registry -realm URL -trust FILE [-cert FILE -key FILE]
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
)

func main() {
	htpasswd := flag.String("htpasswd", "", "who may come in, as htpasswd -B writes it")
	realm := flag.String("realm", "", "where tokens are given, by the issuer tests")
	trust := flag.String("trust", "", "certificates that sign tokens")
	cert := flag.String("cert", "", "certificate of the server")
	key := flag.String("key", "", "its key")
	flag.Parse()
	auth := configuration.Auth{}
	if *htpasswd != "" {
		auth["htpasswd"] = configuration.Parameters{"realm": "tests", "path": *htpasswd}
	}
	if *realm != "" {
		auth["token"] = configuration.Parameters{
			"realm": *realm, "service": "the registry", "issuer": "tests", "rootcertbundle": *trust,
		}
	}
	if err := serve(auth, *cert, *key); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(auth configuration.Auth, cert, key string) error {
	config := &configuration.Configuration{
		Version: configuration.MajorMinorVersion(0, 1),
		Storage: configuration.Storage{"inmemory": configuration.Parameters{}},
	}
	config.Log.Level = "error"
	config.Log.AccessLog.Disabled = true
	config.HTTP.Secret = "of one test"
	if len(auth) > 0 {
		config.Auth = auth
	}
	app := handlers.NewApp(context.Background(), config)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if cert != "" {
		return http.ServeTLS(listener, app, cert, key)
	}
	return http.Serve(listener, app)
}
