# Reads the events of "go test -json" and writes which tests failed, a line each with
# its package, without subtests. It writes nothing where that is not the whole story:
# where something was not built, a test did not come to its end, because the program
# panicked or its time was over, or a package failed and none of its tests did; nor
# after a data race, which is a fault however seldom it is seen.
[inputs | fromjson?] as $events
| [$events[] | select(.Test)] as $tests
| def number(actions): [$tests[] | select(.Action as $a | actions | index($a))] | length;
  def packages(from): [from | select(.Action == "fail") | .Package] | unique;
  if number(["run"]) != number(["pass", "fail", "skip"])
    or packages($events[]) != packages($tests[])
    or any($events[]; .Action == "build-fail" or .Action == "output" and (.Output | test("^(panic|fatal error): |WARNING: DATA RACE")))
  then empty
  else [$tests[] | select(.Action == "fail") | "\(.Package) \(.Test | split("/")[0])"] | unique | .[]
  end
