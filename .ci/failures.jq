# Reads the events of "go test -json", one a line, and prints the output of every
# test that failed, of every package that did not build, and of every skip.
[inputs | fromjson?]
| (map(select(.Action == "fail") | {key: (.Package + " " + (.Test // "")), value: true}) | from_entries) as $failed
| (map(select(.Action == "skip" and .Test) | {key: (.Package + " " + .Test), value: true}) | from_entries) as $skipped
| (map(select(.Action == "fail" and .Test) | {key: .Package, value: true}) | from_entries) as $explained
| map(
    select(.Action == "output" or .Action == "build-output")
    | select(.Action == "build-output"
        or (.Test and ($failed[.Package + " " + .Test] or $skipped[.Package + " " + .Test]))
        or ((.Test | not) and $failed[.Package + " "] and ($explained[.Package] | not)))
    | .Output
  )
| add // empty
| rtrimstr("\n")
