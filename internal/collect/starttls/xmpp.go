package starttls

import (
	"encoding/xml"
	"strings"
)

const (
	nsStream = "http://etherx.jabber.org/streams"
	nsTLS    = "urn:ietf:params:xml:ns:xmpp-tls"
	// maxDepth bounds the nesting of elements: features are four deep.
	maxDepth = 32
)

// xmpp is STARTTLS of XMPP (RFC 6120 section 5.4), for clients or for servers by
// the namespace of the stream's content.
func xmpp(c *conversation, content string) error {
	var to strings.Builder
	if err := xml.EscapeText(&to, []byte(c.host)); err != nil {
		return err
	}
	if err := c.send("<?xml version='1.0'?><stream:stream to='" + to.String() + "' version='1.0' xmlns='" + content +
		"' xmlns:stream='" + nsStream + "'>"); err != nil {
		return err
	}
	source := &byteSource{c: c}
	s := &stream{source: source, decoder: xml.NewDecoder(source)}
	header, err := s.element()
	if err != nil {
		return err
	}
	if header.Name != (xml.Name{Space: nsStream, Local: "stream"}) {
		return malformed("the server answered with element %s, which begins no XMPP stream", quote(header.Name.Local))
	}
	features, err := s.element()
	if err != nil {
		return err
	}
	if features.Name != (xml.Name{Space: nsStream, Local: "features"}) {
		return s.unwanted(features, "telling its features")
	}
	offered, err := s.contains(xml.Name{Space: nsTLS, Local: "starttls"})
	if err != nil {
		return err
	}
	if !offered {
		return missing("the server does not offer STARTTLS: it said %s", quote(string(c.said)))
	}
	if err := c.send("<starttls xmlns='" + nsTLS + "'/>"); err != nil {
		return err
	}
	answer, err := s.element()
	if err != nil {
		return err
	}
	if answer.Name != (xml.Name{Space: nsTLS, Local: "proceed"}) {
		return s.unwanted(answer, "going ahead with TLS")
	}
	_, err = s.contains(xml.Name{}) // the end of the element may be still to come
	return err
}

// A byteSource hands a conversation to the decoder, which reads byte by byte
// where it finds an io.ByteReader: nothing behind the go-ahead is taken.
type byteSource struct {
	c   *conversation
	err error // of the connection, which the decoder may call a syntax error
}

// ReadByte implements io.ByteReader.
func (s *byteSource) ReadByte() (b byte, err error) {
	b, s.err = s.c.ReadByte()
	return b, s.err
}

// Read implements io.Reader.
func (s *byteSource) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// A stream reads the few elements of an XMPP stream.
type stream struct {
	source  *byteSource
	decoder *xml.Decoder
}

// token is the next one. What RFC 6120 section 11.1 forbids is refused.
func (s *stream) token() (xml.Token, error) {
	token, err := s.decoder.Token()
	switch {
	case s.source.err != nil:
		return nil, s.source.err
	case err != nil:
		return nil, malformed("the server's answer cannot be read as XML: %s", quote(err.Error()))
	}
	switch t := token.(type) {
	case xml.Directive, xml.Comment:
		return nil, malformed("the server sent a comment or directive, which XMPP has none of")
	case xml.ProcInst:
		if t.Target != "xml" {
			return nil, malformed("the server sent the processing instruction %s", quote(t.Target))
		}
	}
	return token, nil
}

// element is the next start of one.
func (s *stream) element() (xml.StartElement, error) {
	for {
		token, err := s.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, refused("the server ended the stream")
		}
	}
}

// contains reads to the end of the element whose start was read last, and says
// whether a child has the name.
func (s *stream) contains(name xml.Name) (found bool, err error) {
	for depth := 0; depth >= 0; {
		token, err := s.token()
		if err != nil {
			return false, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			found = found || depth == 0 && t.Name == name
			if depth++; depth > maxDepth {
				return false, malformed("the server nests elements over %d deep", maxDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
	return found, nil
}

// unwanted is an element in place of the one that was waited for.
func (s *stream) unwanted(e xml.StartElement, instead string) error {
	switch e.Name {
	case xml.Name{Space: nsTLS, Local: "failure"}:
		return refused("the server refused STARTTLS")
	case xml.Name{Space: nsStream, Local: "error"}:
		token, err := s.token()
		if start, ok := token.(xml.StartElement); err == nil && ok {
			return refused("the server ended the stream with %s instead of %s", quote(start.Name.Local), instead)
		}
		return refused("the server ended the stream with an error instead of %s", instead)
	}
	return malformed("the server sent element %s instead of %s", quote(e.Name.Local), instead)
}
