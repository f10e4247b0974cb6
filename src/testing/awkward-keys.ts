/** Keys that a careless query, path or lookup would misread. */
export const AWKWARD_KEYS = [
  'a.b',
  '$ne',
  '__proto__',
  'constructor',
  "'; --",
  'ä€😀',
  ' ',
  'a',
  'A',
]
