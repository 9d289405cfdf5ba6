// Command labgen writes the laboratory's certificates to files, for shell tests
// and for trying things by hand:
//
//	go run ./internal/lab/labgen [-host NAME] [-at TIME] [-rsa] [-cases] DIR
//
// It is no part of certassay.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

func main() {
	host := flag.String("host", "time.lab.example", "name that the leaf is for")
	at := flag.String("at", "", "time that the hierarchy is made for (RFC 3339); empty means now")
	rsa := flag.Bool("rsa", false, "use RSA keys")
	cases := flag.Bool("cases", false, "write all cases in place of one hierarchy")
	flag.Parse()
	if err := run(flag.Args(), *host, *at, *rsa, *cases); err != nil {
		fmt.Fprintln(os.Stderr, "labgen: error:", err)
		os.Exit(1)
	}
}

func run(args []string, host, at string, rsa, cases bool) error {
	if len(args) != 1 {
		return fmt.Errorf("want exactly one directory to write to, have %d", len(args))
	}
	if cases {
		return lab.WriteCases(args[0])
	}
	config := lab.Config{Host: host, At: time.Now(), RSA: rsa}
	if at != "" {
		var err error
		if config.At, err = time.Parse(time.RFC3339, at); err != nil {
			return fmt.Errorf("reading -at: %w", err)
		}
	}
	return lab.New(config).Write(args[0])
}
