/** What a GrowthBook endpoint would give: one experiment on the label and look of the buy button. */
export const FEATURES = {
  features: {
    'checkout-button': {
      defaultValue: 'plain',
      rules: [
        {
          key: 'checkout-button',
          name: 'Which button gets a basket to the till?',
          hashAttribute: 'id',
          seed: 'checkout-button',
          hashVersion: 2,
          coverage: 1,
          weights: [0.34, 0.33, 0.33],
          variations: ['plain', 'solid', 'total'],
          meta: [
            { key: '0', name: 'Plain' },
            { key: '1', name: 'Solid' },
            { key: '2', name: 'With total' },
          ],
        },
      ],
    },
  },
};
