# Reads the events of "go test -json" of one package and writes which of its tests
# failed, without subtests. It writes nothing where that is not the whole story:
# where something was not built, or a test did not come to its end, because the
# program panicked or its time was over.
[inputs | fromjson?] as $events
| [$events[] | select(.Test)] as $tests
| def number(actions): [$tests[] | select(.Action as $a | actions | index($a))] | length;
  if number(["run"]) != number(["pass", "fail", "skip"])
    or ([$events[] | .Package // empty] | unique | length) != 1
    or any($events[]; .Action == "build-fail" or .Action == "output" and (.Output | test("^(panic|fatal error): ")))
  then empty
  else [$tests[] | select(.Action == "fail") | .Test | split("/")[0]] | unique | .[]
  end
