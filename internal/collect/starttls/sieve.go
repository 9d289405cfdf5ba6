package starttls

import (
	"strconv"
	"strings"
)

// sieve is STARTTLS of ManageSieve (RFC 5804 section 2.2).
func sieve(c *conversation) error {
	lines, err := c.sieveAnswer()
	if err != nil {
		return err
	}
	offered := false
	for _, line := range lines {
		name, _, _ := strings.Cut(line, " ")
		offered = offered || strings.EqualFold(name, `"STARTTLS"`)
	}
	if !offered {
		return missing("the server does not offer STARTTLS but %s", quote(strings.Join(lines, " / ")))
	}
	if err := c.send("STARTTLS\r\n"); err != nil {
		return err
	}
	_, err = c.sieveAnswer()
	return err
}

// sieveAnswer reads lines up to the one that says OK; NO and BYE are errors.
func (c *conversation) sieveAnswer() (lines []string, err error) {
	for {
		line, err := c.sieveLine()
		if err != nil {
			return nil, err
		}
		word, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch {
		case word == "OK":
			return lines, nil
		case word == "NO", word == "BYE":
			return nil, refused("the server declined with %s", quote(line))
		case !strings.HasPrefix(line, `"`):
			return nil, malformed("the server answered %s, which is not ManageSieve", quote(line))
		}
		lines = append(lines, line)
	}
}

// sieveLine reads a line with the literals in it (RFC 5804 section 4): "{5}" or
// "{5+}" at its end, then as many bytes, then the rest. What stands in a literal
// must not be taken for a line of its own.
func (c *conversation) sieveLine() (whole string, err error) {
	for {
		line, err := c.line()
		if err != nil {
			return "", err
		}
		whole += line
		size, ok := literalSize(line)
		if !ok {
			return whole, nil
		}
		literal, err := c.take(size)
		if err != nil {
			return "", err
		}
		whole += string(literal)
	}
}

func literalSize(line string) (int, bool) {
	open := strings.LastIndexByte(line, '{')
	if open < 0 || !strings.HasSuffix(line, "}") {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(line[open+1:len(line)-1], "+"), 10, 31)
	return int(n), err == nil
}
