// Says how likely it is that nobody will pay.

class RiskServiceUnavailable extends Error {
  name = 'RiskServiceUnavailable';
}

let calls = 0;

export async function score(order) {
  calls += 1;
  // The first call of every process fails: the Retry in the state machine is there for this.
  if (calls === 1) {
    throw new RiskServiceUnavailable('503 from the risk service');
  }
  const expensive = order.total > 500 ? 40 : 0;
  const newcomer = order.customer.orders === 0 ? 30 : 0;
  return { score: expensive + newcomer };
}
