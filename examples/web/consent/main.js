import { init, logEvent, setConsent } from 'wasm-telemetry';

const KEY = 'telemetry-consent';
const answer = localStorage.getItem(KEY);

init({ serviceName: 'shop', consent: answer ?? 'pending', respectGpc: true });
logEvent('page_viewed');

const banner = document.querySelector('#banner');
banner.hidden = answer !== null || navigator.globalPrivacyControl === true;
for (const button of banner.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    setConsent(button.value);
    localStorage.setItem(KEY, button.value);
    banner.hidden = true;
  });
}

// A change of mind is as near as the first answer was.
document.querySelector('#settings').addEventListener('click', () => {
  banner.hidden = false;
});
document.querySelector('#buy').addEventListener('click', () => logEvent('bought', { items: 1 }));
