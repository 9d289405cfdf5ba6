#!/usr/bin/env bash
# Runs certassay audit in a GitHub Actions job: annotations on standard output,
# every report in $REPORTS, the summary on the job's page, and the exit code as
# output and as the step's own. Reports are written whatever is found, and when
# the job is cancelled, too.
set -euo pipefail
set -f # ARGS is split at white space, and nothing in it is a pattern

certassay=${BINARY:-$RUNNER_TEMP/certassay}
mkdir -p "$REPORTS"
# Reports of a run before this one must not be taken for this one's.
rm -f "$REPORTS"/report.json "$REPORTS"/report.sarif "$REPORTS"/report.xml "$REPORTS"/report.html "$REPORTS"/report.md

arguments=(audit -f github
  --report "json=$REPORTS/report.json" --report "sarif=$REPORTS/report.sarif" --report "junit=$REPORTS/report.xml"
  --report "html=$REPORTS/report.html" --report "markdown=$REPORTS/report.md")
[[ -z $INVENTORY ]] || arguments+=(-c "$INVENTORY")
# Given without need it would go before the bars of the inventory.
[[ -z $FAIL_ON ]] || arguments+=(--fail-on "$FAIL_ON")
[[ -z $BASELINE ]] || arguments+=(--baseline "$BASELINE")
# shellcheck disable=SC2206 # splitting is meant
arguments+=($ARGS)

status=0
errors=$(mktemp)
# No pipe: when the job is cancelled its other end would be gone first.
"$certassay" "${arguments[@]}" 2>"$errors" || status=$?
cat "$errors" >&2

# What is wrong in the inventory is annotated at its line, too.
if ((status == 2)); then
  pattern='^certassay: error: ([^:,%]+):([0-9]+):([0-9]+): (.*)$'
  while IFS= read -r line; do
    [[ ! $line =~ $pattern ]] || echo "::error file=${BASH_REMATCH[1]},line=${BASH_REMATCH[2]},col=${BASH_REMATCH[3]},title=certassay::${BASH_REMATCH[4]//%/%25}"
  done <"$errors"
fi
rm -f "$errors"

# Code scanning knows neither suppressions nor baselines: what is waived or
# resolved would be an open alert there.
if [[ -e $REPORTS/report.json ]]; then
  "$certassay" report convert "$REPORTS/report.json" -f sarif --open -o "$REPORTS/report.sarif"
fi

{
  echo "exit-code=$status"
  [[ ! -e $REPORTS/report.sarif ]] || echo "sarif=$REPORTS/report.sarif"
  [[ ! -e $REPORTS/report.md ]] || echo "markdown=$REPORTS/report.md"
} >>"$GITHUB_OUTPUT"
[[ ! -e $REPORTS/report.md ]] || cat "$REPORTS/report.md" >>"$GITHUB_STEP_SUMMARY"

if ((status == 3)) && [[ $ALLOW_INCOMPLETE == true ]]; then
  echo "::warning title=certassay::something could not be checked, and this job is set to pass then"
  status=0
fi
exit "$status"
