package starttls

import "strings"

// A reply is an answer with a three-digit code: the lines without it.
type reply struct {
	code  string
	lines []string
}

// failed says that the server did not do as asked: for now (4xx) or at all.
func (r reply) failed() bool { return r.code[0] == '4' || r.code[0] == '5' }

func (r reply) String() string { return quote(r.code + " " + strings.Join(r.lines, " / ")) }

// reply reads one answer of SMTP (RFC 5321 section 4.2.1), or of FTP (RFC 959
// section 4.2), where the lines between the first and the last may be any text.
func (c *conversation) reply() (r reply, err error) {
	line, err := c.line()
	if err != nil {
		return r, err
	}
	if !coded(line) {
		return r, malformed("the server began with %s, which is no reply code", quote(line))
	}
	r.code = line[:3]
	r.lines = append(r.lines, after(line))
	for len(line) > 3 && line[3] == '-' || line[:min(len(line), 3)] != r.code {
		if line, err = c.line(); err != nil {
			return r, err
		}
		r.lines = append(r.lines, after(line))
	}
	return r, nil
}

// after is what follows the code in a line.
func after(line string) string {
	if !coded(line) {
		return line
	}
	return line[min(len(line), 4):]
}

// coded says whether a line begins with a reply code.
func coded(line string) bool {
	if len(line) < 3 || line[0] < '1' || line[0] > '6' || line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9' {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '-'
}

// block reads lines up to one with a single dot, as POP3 and NNTP send them.
func (c *conversation) block() (lines []string, err error) {
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		if line == "." {
			return lines, nil
		}
		lines = append(lines, line)
	}
}

// offers says whether a word is the first of one of the lines, in any case.
func offers(lines []string, word string) bool {
	for _, line := range lines {
		if first, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.EqualFold(first, word) {
			return true
		}
	}
	return false
}
