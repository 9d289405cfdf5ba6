package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/certassay/certassay/internal/finding"
)

// pageShape is what a text must not change of a page: elements and the names of
// their attributes, in order. It also looks for what a page must never have.
func pageShape(t *testing.T, page []byte) (shape []string) {
	t.Helper()
	const elements = " html head meta title style body a header h1 h2 h3 h4 p b fieldset legend label input span main details summary " +
		"div dl dt dd ol ul li code pre article br bdi svg g path line text rect footer section table thead tbody tr th td "
	const attributes = " lang charset http-equiv content name class href id type checked autocomplete open rel " +
		"viewbox role aria-label x y x1 y1 x2 y2 width height rx d tabindex text-anchor scope "
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return shape
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if !strings.Contains(elements, " "+token.Data+" ") {
				t.Errorf("the page has an element %s", token.Data)
			}
			line := token.Data
			for _, a := range token.Attr {
				line += " " + a.Key
				if !strings.Contains(attributes, " "+a.Key+" ") {
					t.Errorf("%s has an attribute %s", token.Data, a.Key)
				}
				if a.Key == "href" && a.Val != "#subjects" && !plainLink(a.Val) {
					t.Errorf("a link to %q", a.Val)
				}
			}
			shape = append(shape, line)
		case html.CommentToken:
			t.Errorf("the page has a comment: %s", z.Token().Data)
		}
	}
}

func checkPage(t *testing.T, s string) {
	t.Helper()
	want := pageShape(t, render(t, "html", Options{}, hostile("xx")))
	page := render(t, "html", Options{}, hostile("x"+s+"x"))
	if got := pageShape(t, page); !slices.Equal(got, want) {
		t.Errorf("%q changes the elements of the page", s)
	}
	for _, r := range string(page) {
		if r != '\n' && r != ' ' && !visible(r) {
			t.Errorf("%q: the page lets %U through", s, r)
		}
	}
	if text := outside("x" + s + "x"); !strings.Contains(allText(page), text) {
		t.Errorf("%q does not show as text", text)
	}
}

// allText is what a reader sees.
func allText(page []byte) string {
	var b strings.Builder
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			b.WriteString(z.Token().Data)
		}
	}
}

func TestHTMLHostile(t *testing.T) {
	for _, s := range hostileTexts {
		checkPage(t, s)
	}
}

func FuzzHTML(f *testing.F) {
	f.Add(`"><script>alert(1)</script>`)
	f.Add("</style></title>{{.}}<!--")
	f.Fuzz(func(t *testing.T, s string) { checkPage(t, s) })
}

// The policy names exactly the style that is in the page.
func TestHTMLPolicy(t *testing.T) {
	page := string(render(t, "html", Options{}, testDocument()))
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if !strings.Contains(html.UnescapeString(page), policy) {
		t.Errorf("the page does not have the policy %s", policy)
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style loads something")
	}
	if at := strings.Index(page, "Content-Security-Policy"); at > strings.Index(page, "<style") {
		t.Error("the policy comes after the style")
	}
}

// Every box that is shown hides something.
func TestHTMLFilters(t *testing.T) {
	d := testDocument()
	for i, sev := range finding.Severities {
		d.Subjects[3].Findings = append(d.Subjects[3].Findings, finding.Finding{Rule: "a-b", Severity: sev, Status: finding.Status([]string{"new", "known"}[i%2])})
	}
	page := string(render(t, "html", Options{}, d))
	boxes := regexp.MustCompile(`id="show-([a-z]+)"`).FindAllStringSubmatch(page, -1)
	if len(boxes) != 4+5+4 {
		t.Errorf("%d boxes, want one for each verdict, severity and status", len(boxes))
	}
	for _, box := range boxes {
		hides := regexp.MustCompile(`#show-` + box[1] + `:not\(:checked\)\) \.(subject|finding)\.` + box[1] + `\b`)
		if !hides.MatchString(htmlStyle) || !regexp.MustCompile(`class="(subject|finding)[a-z ]* `+box[1]+`[" ]`).MatchString(page) {
			t.Errorf("box %s hides nothing", box[1])
		}
	}
}

// The gravest come first, and a scan of a hundred thousand stays usable.
func TestHTMLOrderAndLimits(t *testing.T) {
	d := many(8)
	page := string(render(t, "html", Options{}, d))
	last := -1
	for _, v := range []finding.Verdict{finding.Forged, finding.Suspicious, finding.Undetermined, finding.OK} {
		at := strings.Index(page, `class="subject `+string(v))
		if at < last {
			t.Errorf("%s stands before what is graver", v)
		}
		last = at
	}
	if !strings.Contains(page, `class="subject forged" open`) || strings.Contains(page, `class="subject inconclusive" open`) {
		t.Error("not the gravest are unfolded")
	}
	d.Subjects = nil
	for i := range maxHTMLOK + 5 {
		d.Subjects = append(d.Subjects, Subject{ID: fmt.Sprint(i), Verdict: finding.OK, Complete: true})
	}
	page = string(render(t, "html", Options{}, d))
	if n := strings.Count(page, `class="subject row ok"`); n != 5 || !strings.Contains(page, "5 subjects have one line only") {
		t.Errorf("%d subjects have a line only, want 5 and a note", n)
	}
}

// A subject without a verdict that we know is shown, and first.
func TestHTMLUnknownVerdict(t *testing.T) {
	d := &Document{Subjects: []Subject{{ID: "a", Verdict: finding.Forged}, {ID: "b", Verdict: `x" onclick="y`}}}
	page := string(render(t, "html", Options{}, d))
	none, forged := strings.Index(page, `class="subject none"`), strings.Index(page, `class="subject forged"`)
	if none < 0 || none > forged {
		t.Errorf("the subject without a verdict is at %d, the forged one at %d", none, forged)
	}
}

func TestTimeline(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	cert := func(from, to string) Certificate { return Certificate{NotBefore: from, NotAfter: to} }
	tests := []struct {
		name  string
		certs []Certificate
		want  string // class of each bar
	}{
		{"valid", []Certificate{cert("2026-09-01T00:00:00Z", "2026-11-30T00:00:00Z"), cert("2000-01-01T00:00:00Z", "2050-01-01T00:00:00Z")}, "leaf bar "},
		{"expired", []Certificate{cert("2020-09-01T00:00:00Z", "2020-11-30T00:00:00Z")}, "bad "},
		{"for ever", []Certificate{cert("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")}, "leaf "},
		{"ends before it starts", []Certificate{cert("2027-01-01T00:00:00Z", "2020-01-01T00:00:00Z")}, "bad "},
		{"no dates", []Certificate{cert("", "x")}, ""},
	}
	for _, tt := range tests {
		s, certs, got := &Subject{}, map[string]Certificate{}, ""
		for i, c := range tt.certs {
			s.Chain = append(s.Chain, fmt.Sprint(i))
			certs[fmt.Sprint(i)] = c
		}
		if line := timeline(at, s, certs); line != nil {
			for _, b := range line.Bars {
				got += b.Class + " "
				if b.X < line.Left || b.W < 2 || b.X+b.W > line.Right+2 || b.Y+12 > line.Height {
					t.Errorf("%s: bar %+v leaves the picture", tt.name, b)
				}
			}
			if line.At < line.Left || line.At > line.Right {
				t.Errorf("%s: the time judged at is at %d", tt.name, line.At)
			}
		}
		if got != tt.want {
			t.Errorf("%s: bars %q, want %q", tt.name, got, tt.want)
		}
	}
}
