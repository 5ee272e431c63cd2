// Counts words, and adds counts up.

export async function count({ words }) {
  const counts = {};
  for (const word of words) {
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

export async function total(pieces) {
  const sum = {};
  for (const counts of pieces) {
    for (const [word, number] of Object.entries(counts)) {
      sum[word] = (sum[word] ?? 0) + number;
    }
  }
  return sum;
}
