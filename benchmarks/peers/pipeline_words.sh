#!/bin/sh
# Words by the shell: tr, tr, mawk and sort, on ASCII text only. usage: pipeline_words.sh CORPUS RESULTS WORKERS
# An apostrophe counts inside a word: the few tokens that begin or end with one, or have two in a row, are cut up.
set -eu
export LC_ALL=C

tr -cs "A-Za-z0-9'" '\n' < "$1" | tr A-Z a-z | mawk '
  /^\047|\047$|\047\047/ {
    n = split($0, parts, /\047\047+/)
    for (i = 1; i <= n; i++) { gsub(/^\047|\047$/, "", parts[i]); if (parts[i] != "") count[parts[i]]++ }
    next
  }
  $0 != "" { count[$0]++ }
  END { for (word in count) printf "  \"%s\": %d\n", word, count[word] }
' | sort | mawk '
  BEGIN { print "{" }
  NR > 1 { print line "," }
  { line = $0 }
  END { if (NR) print line; print "}" }
' > "$2.tmp"
sync "$2.tmp"
mv "$2.tmp" "$2"
