package starttls

import (
	"slices"
	"strings"
)

// irc is STARTTLS of IRC (ircv3.net/specs/extensions/tls): the capability "tls",
// the command, and the numerics 670 and 691.
func irc(c *conversation) error {
	if err := c.send("CAP LS 302\r\n"); err != nil {
		return err
	}
	offered := false
	for more := true; more; {
		m, err := c.ircMessage("CAP", "421", "451")
		if err != nil {
			return err
		}
		if m.command != "CAP" {
			return missing("the server knows no capabilities, and so offers no STARTTLS: it answered %s", quote(m.line))
		}
		// "CAP * LS :names", with one more "*" where a further line follows.
		if len(m.params) < 3 || m.params[1] != "LS" {
			return malformed("the server answered CAP LS with %s", quote(m.line))
		}
		more = m.params[2] == "*"
		offered = offered || slices.Contains(strings.Fields(m.params[len(m.params)-1]), "tls")
	}
	if !offered {
		return missing("the server does not offer STARTTLS: it has no capability \"tls\"")
	}
	if err := c.send("STARTTLS\r\n"); err != nil {
		return err
	}
	m, err := c.ircMessage("670", "691", "421", "451")
	if err == nil && m.command != "670" {
		err = refused("the server refused STARTTLS with %s", quote(m.line))
	}
	return err
}

// An ircMessage is one line of a server (RFC 2812 section 2.3.1).
type ircMessage struct {
	line    string
	command string
	params  []string
}

// ircMessage reads up to the first message with one of the commands. Notices are
// skipped; ERROR ends the connection.
func (c *conversation) ircMessage(commands ...string) (ircMessage, error) {
	for {
		line, err := c.line()
		if err != nil {
			return ircMessage{}, err
		}
		m := parseIRC(line)
		switch {
		case slices.Contains(commands, m.command):
			return m, nil
		case m.command == "ERROR":
			return m, refused("the server turned us away with %s", quote(line))
		case m.command == "NOTICE", m.command == "PING", len(m.command) == 3 && strings.Trim(m.command, "0123456789") == "":
		default:
			return m, malformed("the server sent %s, which is not IRC", quote(line))
		}
	}
}

func parseIRC(line string) ircMessage {
	m := ircMessage{line: line}
	rest := line
	for strings.HasPrefix(rest, "@") || strings.HasPrefix(rest, ":") { // tags, source
		_, rest, _ = strings.Cut(rest, " ")
	}
	rest, trailing, hasTrailing := strings.Cut(rest, " :")
	if words := strings.Fields(rest); len(words) > 0 {
		m.command, m.params = strings.ToUpper(words[0]), words[1:]
	}
	if hasTrailing {
		m.params = append(m.params, trailing)
	}
	return m
}
