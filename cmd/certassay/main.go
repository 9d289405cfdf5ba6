// Command certassay finds forged TLS certificates.
package main

func main() {}
