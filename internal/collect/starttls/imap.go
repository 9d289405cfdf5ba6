package starttls

import (
	"slices"
	"strings"
)

// imap is STARTTLS of IMAP (RFC 9051 section 6.2.1).
func imap(c *conversation) error {
	greeting, err := c.line()
	if err != nil {
		return err
	}
	switch upper := strings.ToUpper(greeting); {
	case strings.HasPrefix(upper, "* OK"):
	case strings.HasPrefix(upper, "* PREAUTH"):
		// STARTTLS cannot follow: whoever forges this greeting has stripped it.
		return missing("the server greets as if we had logged in already, which rules out STARTTLS: %s", quote(greeting))
	case strings.HasPrefix(upper, "* BYE"):
		return refused("the server turned us away with %s", quote(greeting))
	default:
		return malformed("the server began with %s, which is no greeting of IMAP", quote(greeting))
	}
	capabilities, err := c.tagged("a1", "CAPABILITY")
	if err != nil {
		return err
	}
	offered := slices.ContainsFunc(capabilities, func(line string) bool {
		words := strings.Fields(strings.ToUpper(line))
		return len(words) > 2 && words[0] == "*" && words[1] == "CAPABILITY" && slices.Contains(words, "STARTTLS")
	})
	if !offered {
		return missing("the server does not offer STARTTLS but %s", quote(strings.Join(capabilities, " / ")))
	}
	_, err = c.tagged("a2", "STARTTLS")
	return err
}

// tagged sends an IMAP command and gives the untagged lines of its answer. It
// fails where the answer is not OK.
func (c *conversation) tagged(tag, command string) (untagged []string, err error) {
	if err := c.send(tag + " " + command + "\r\n"); err != nil {
		return nil, err
	}
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		word, rest, _ := strings.Cut(line, " ")
		status, _, _ := strings.Cut(strings.ToUpper(rest), " ")
		switch {
		case word == tag && status == "OK":
			return untagged, nil
		case word == tag && (status == "NO" || status == "BAD"), word == "*" && status == "BYE":
			return nil, refused("the server refused %s with %s", command, quote(line))
		case word != "*":
			return nil, malformed("the server answered %s with %s", command, quote(line))
		}
		untagged = append(untagged, line)
	}
}

// pop3 is STLS (RFC 2595 section 4).
func pop3(c *conversation) error {
	if answer, ok, err := c.status(); err != nil {
		return err
	} else if !ok {
		return refused("the server turned us away with %s", quote(answer))
	}
	if err := c.send("CAPA\r\n"); err != nil {
		return err
	}
	answer, ok, err := c.status()
	if err != nil {
		return err
	}
	if !ok {
		return missing("the server does not tell its capabilities, and so offers no STLS: it answered %s", quote(answer))
	}
	lines, err := c.block()
	if err != nil {
		return err
	}
	if !offers(lines, "STLS") {
		return missing("the server does not offer STLS but %s", quote(strings.Join(lines, " / ")))
	}
	if err := c.send("STLS\r\n"); err != nil {
		return err
	}
	answer, ok, err = c.status()
	if err == nil && !ok {
		err = refused("the server refused STLS with %s", quote(answer))
	}
	return err
}

// status reads "+OK" or "-ERR" (RFC 1939 section 3).
func (c *conversation) status() (line string, ok bool, err error) {
	if line, err = c.line(); err != nil {
		return "", false, err
	}
	switch word, _, _ := strings.Cut(strings.ToUpper(line), " "); word {
	case "+OK":
		return line, true, nil
	case "-ERR":
		return line, false, nil
	}
	return "", false, malformed("the server answered %s, which is not POP3", quote(line))
}
