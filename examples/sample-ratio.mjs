// Did each variation get its share? If not, something removes users from one of them, and the
// experiment's result means nothing.

// What chi-square exceeds by chance once in a thousand experiments, by its degrees of freedom.
const ONE_IN_A_THOUSAND = [10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.124];

/** `users`: how many different users saw each variation; `weights`: the shares they should have. */
export function sampleRatioMismatch(users, weights) {
  const all = users.reduce((sum, count) => sum + count, 0);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const chiSquare = users.reduce((sum, count, variation) => {
    const expected = (all * weights[variation]) / whole;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  return { chiSquare, mismatch: chiSquare > ONE_IN_A_THOUSAND[users.length - 2] };
}
