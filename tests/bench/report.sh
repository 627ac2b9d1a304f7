# bench.json, and the tables and reasons made of it. Sourced by run.

report() {
    write_json
    print_table "$(printf '%s\n' "${all_peers[@]}")"
    print_table "$(jq -r '[.figures[].subject] | unique[]' "$build/bench.json" | grep -vxF "$(printf '%s\n' "${all_peers[@]}" "${examples[@]}")")"
    print_table "$(printf '%s\n' "${examples[@]}")"
    echo "A figure with a goal reads \"figure <= goal\" where that is met and \"figure > goal\" where not."
    jq -r '.missing | group_by([.subject, .reason])[] | "No figure for \(.[0].subject): \(map(.metric) | join("; ")): \(.[0].reason)"' "$build/bench.json"
    echo "written: $build/bench.json"
}

write_json() {
    local peer versions
    versions=$(for peer in "${all_peers[@]}"; do printf '%s\t%s\n' "$peer" "$(version_of "$peer")"; done)
    jq -n --arg version "$(cat "$root/VERSION")" --arg kernel "$(cat "$build/kernel/version")" --arg commit "$(git -C "$root" describe --always --dirty 2>/dev/null)" \
        --arg vmm "$(qemu-system-x86_64 --version | head -n 1)" --arg versions "$versions" --rawfile figures "$work/figures" \
        --rawfile without "$work/without" --rawfile goals "$root/tests/bench/goals.tsv" --argjson seeds "$seeds" '
        def rows: split("\n") | map(select(. != "") | split("\t"));
        def median: sort | .[(length - 1) / 2 | floor];
        ($goals | rows | map({key: "\(.[0])\t\(.[1])", value: .[2] | tonumber}) | from_entries) as $goals
        | {version: $version, commit: $commit, kernel: $kernel, vmm: $vmm, seeds: $seeds,
           subjects: ($versions | rows | map(select(.[1]) | {key: .[0], value: .[1]}) | from_entries),
           figures: ($figures | rows | to_entries | group_by(.value[0:2])
             | map({order: .[0].key, metric: .[0].value[0], subject: .[0].value[1], unit: .[0].value[3],
                    value: (map(.value[2] | tonumber) | median), goal: $goals["\(.[0].value[0])\t\(.[0].value[1])"],
                    all: map(.value[2] | tonumber)})
             | sort_by(.order) | map(del(.order))),
           missing: ($without | rows | map({metric: .[0], subject: .[1], reason: .[2]}))}' >"$build/bench.json"
}

# print_table SUBJECTS: a row for each metric, a column for each of the subjects, one a line, that has a figure
print_table() {
    [[ -n $1 ]] || return 0
    jq -r --arg subjects "$1" '
        def text: if . == floor then tostring elif . >= 100 then round | tostring
                  elif . >= 10 then . * 10 | round / 10 | tostring else . * 100 | round / 100 | tostring end;
        def cell: if . == null then "-" elif .goal == null then .value | text
                  else "\(.value | text) \(if .value <= .goal then "<=" else ">" end) \(.goal | text)" end;
        def widths: [range(0; .[0] | length) as $i | map(.[$i] | length) | max];
        def padded($width; $left):
            ([range($width - length)] | map(" ") | join("")) as $space | if $left then . + $space else $space + . end;
        .figures as $figures
        | ($subjects | split("\n") | map(select(. as $s | any($figures[]; .subject == $s)))) as $subjects
        | [$figures[] | select(.subject as $s | $subjects | index($s)) | .metric] as $metrics
        | [["", ""] + $subjects]
          + [(reduce $metrics[] as $m ([]; if index($m) then . else . + [$m] end))[] as $m
             | [$m, ([$figures[] | select(.metric == $m)][0].unit)]
               + [$subjects[] as $s | [$figures[] | select(.metric == $m and .subject == $s)][0] | cell]]
        | widths as $widths
        | .[] | [range(0; length) as $i | .[$i] | padded($widths[$i]; $i < 2)] | join("  ") | sub(" +$"; "")' "$build/bench.json"
    echo
}
