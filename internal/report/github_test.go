package report

import (
	"strings"
	"testing"

	"github.com/certassay/certassay/internal/finding"
)

// commands gives the lines that GitHub Actions takes for commands.
func commands(out []byte) (lines []string) {
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// The gravest findings get the few annotations there are, wherever they stand.
func TestGitHubKeepsTheGravest(t *testing.T) {
	d := &Document{}
	for i := range 30 {
		f := finding.Finding{Rule: "a-b", Severity: finding.High, Confidence: finding.Strong, Title: "high"}
		if i == 29 {
			f.Severity, f.Title = finding.Critical, "the gravest"
		}
		if i == 0 {
			f.Severity, f.Title, f.Waiver = finding.Critical, "waived", &finding.Waiver{}
		}
		d.Subjects = append(d.Subjects, Subject{Target: "host", Verdict: finding.Suspicious, Findings: []finding.Finding{f}})
	}
	lines := commands(render(t, "github", Options{}, d))
	if len(lines) != maxAnnotations || !strings.Contains(lines[0], "the gravest") {
		t.Errorf("%d annotations, want %d; the first is %q", len(lines), maxAnnotations, lines[0])
	}
	if strings.Contains(strings.Join(lines, "\n"), "waived") {
		t.Error("a waived finding is an annotation")
	}
}

func TestGitHubLevels(t *testing.T) {
	for severity, want := range map[finding.Severity]string{
		finding.Critical: "::error ", finding.High: "::error ", finding.Medium: "::warning ",
		finding.Low: "::notice ", finding.Info: "::notice ",
	} {
		d := &Document{Subjects: []Subject{{Findings: []finding.Finding{{Severity: severity}}}}}
		if lines := commands(render(t, "github", Options{}, d)); len(lines) != 1 || !strings.HasPrefix(lines[0], want) {
			t.Errorf("%s gives %q, want %q", severity, lines, want)
		}
	}
}

func TestWorkflowCommand(t *testing.T) {
	n := annotation{file: "a,b:c%.pem", title: "x::y", message: "100%\r\n::error::z"}
	const want = "::error file=a%2Cb%3Ac%25.pem,line=1,title=x%3A%3Ay::100%25%0D%0A::error::z\n"
	if got := n.command("error"); got != want {
		t.Errorf("command = %q, want %q", got, want)
	}
}

// FuzzHostileLog puts a text everywhere: there are as many commands as before,
// each with the properties that we gave it.
func FuzzHostileLog(f *testing.F) {
	f.Add("\n::error::x")
	f.Add(",line=9::##[error]##vso[task.complete]")
	f.Fuzz(func(t *testing.T, s string) {
		before := commands(render(t, "github", Options{}, testDocument()))
		after := commands(render(t, "github", Options{TargetsFile: s}, hostile(s)))
		if len(after) != len(before) {
			t.Fatalf("%d commands, want %d: %q", len(after), len(before), after)
		}
		for _, line := range after {
			head, _, ok := strings.Cut(line[2:], "::")
			if level, properties, _ := strings.Cut(head, " "); !ok ||
				level != "error" && level != "warning" && level != "notice" || strings.Count(properties, ",") > 3 {
				t.Errorf("command %q", line)
			}
		}
	})
}
