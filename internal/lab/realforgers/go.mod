// Interceptors that others wrote and that are Go libraries, as one program for the
// tests in internal/lab/e2e. A module of its own, so that neither the program nor
// its tests require them.
module github.com/certassay/certassay/internal/lab/realforgers

go 1.26.0

require (
	github.com/elazarl/goproxy v1.9.2
	github.com/google/martian/v3 v3.3.3
)

require (
	golang.org/x/net v0.50.0 // indirect
	golang.org/x/text v0.34.0 // indirect
)
