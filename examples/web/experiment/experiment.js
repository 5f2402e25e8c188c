/** As GrowthBook would give it: half of all visitors are sent to a new page. */
export const features = {
  landing: {
    defaultValue: '/',
    rules: [
      {
        key: 'landing',
        hashAttribute: 'id',
        seed: 'landing',
        hashVersion: 2,
        coverage: 1,
        weights: [0.5, 0.5],
        variations: ['/', '/new'],
      },
    ],
  },
};
