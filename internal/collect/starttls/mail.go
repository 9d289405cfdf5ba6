package starttls

import "strings"

// clientName is what SMTP is greeted with. It tells an operator who it was, and
// can be nobody's name (RFC 6761 section 6.4).
const clientName = "certassay.invalid"

// mail is STARTTLS of SMTP (RFC 3207), and of LMTP (RFC 2033), which differs in
// the word of greeting.
func mail(c *conversation, hello string) error {
	greeting, err := c.reply()
	if err != nil {
		return err
	}
	if greeting.code != "220" {
		return unwelcome(greeting)
	}
	if err := c.send(hello + " " + clientName + "\r\n"); err != nil {
		return err
	}
	capabilities, err := c.reply()
	switch {
	case err != nil:
		return err
	case capabilities.code[0] == '5':
		// A firewall that filters SMTP answers EHLO so, to keep clients from
		// asking for more.
		return missing("the server does not know %s, and so offers no STARTTLS: it answered %s", hello, capabilities)
	case capabilities.code != "250":
		return unwelcome(capabilities)
	case !offers(capabilities.lines, "STARTTLS"):
		return missing("the server does not offer STARTTLS: it answered %s", capabilities)
	}
	return goAhead(c, "STARTTLS", "220")
}

// ftp is AUTH TLS (RFC 4217).
func ftp(c *conversation) error {
	greeting, err := c.reply()
	// 120: "service ready in some minutes", and then the greeting.
	if err == nil && greeting.code == "120" {
		greeting, err = c.reply()
	}
	if err != nil {
		return err
	}
	if greeting.code != "220" {
		return unwelcome(greeting)
	}
	if err := c.send("AUTH TLS\r\n"); err != nil {
		return err
	}
	answer, err := c.reply()
	switch {
	case err != nil:
		return err
	case answer.code == "234":
		return nil
	case answer.code == "500", answer.code == "502", answer.code == "504", answer.code == "530":
		// 530: servers that want a login before a command they do not have.
		return missing("the server does not know AUTH TLS: it answered %s", answer)
	}
	return declined("AUTH TLS", answer)
}

// nntp is STARTTLS of NNTP (RFC 4642).
func nntp(c *conversation) error {
	greeting, err := c.reply()
	if err != nil {
		return err
	}
	if greeting.code != "200" && greeting.code != "201" {
		return unwelcome(greeting)
	}
	if err := c.send("CAPABILITIES\r\n"); err != nil {
		return err
	}
	answer, err := c.reply()
	if err != nil {
		return err
	}
	if answer.code != "101" {
		return missing("the server does not tell its capabilities, and so offers no STARTTLS: it answered %s", answer)
	}
	lines, err := c.block()
	if err != nil {
		return err
	}
	if !offers(lines, "STARTTLS") {
		return missing("the server does not offer STARTTLS but %s", quote(strings.Join(lines, " / ")))
	}
	return goAhead(c, "STARTTLS", "382")
}

// goAhead sends the command and wants the code.
func goAhead(c *conversation, command, code string) error {
	if err := c.send(command + "\r\n"); err != nil {
		return err
	}
	answer, err := c.reply()
	if err != nil {
		return err
	}
	if answer.code != code {
		return declined(command, answer)
	}
	return nil
}

// declined is an answer to the command that is not the go-ahead.
func declined(command string, answer reply) error {
	if answer.failed() {
		return refused("the server refused %s with %s", command, answer)
	}
	return malformed("the server answered %s with %s", command, answer)
}

// unwelcome is an answer before the command that is not the usual one.
func unwelcome(answer reply) error {
	if answer.failed() {
		return refused("the server turned us away with %s", answer)
	}
	return malformed("the server answered %s, which is another protocol's", answer)
}
