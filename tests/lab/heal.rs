//! The service mends what it is to mend, under a running transfer, and names the rest.

use testenv::heal::{
    ABROAD, CONTROL, DAEMON, DAEMON_BY_HAND, KERNEL, PUT_OUT, REJOINED, Site, Way,
};

use crate::common::lab;

#[test]
fn what_is_taken_from_the_kernel_comes_back() {
    let Some(lab) = lab("heal kernel") else { return };
    Site::new(&lab, Way::default()).meet_all(KERNEL);
}

#[test]
fn a_daemon_that_ends_or_is_set_otherwise_is_brought_back() {
    let Some(lab) = lab("heal daemon") else { return };
    Site::new(&lab, Way { restarts: true, ..Way::default() }).meet_all(DAEMON);
}

#[test]
fn what_happens_at_the_control_server_is_followed() {
    let Some(lab) = lab("heal control") else { return };
    let site = Site::new(&lab, Way::default());
    site.meet_all(CONTROL);
    site.meet_all(DAEMON_BY_HAND);
}

#[test]
fn a_daemon_that_lost_its_way_to_the_control_server_is_started_anew() {
    let Some(lab) = lab("heal abroad") else { return };
    let way = Way { restarts: true, ..Way::default() };
    Site::with(&lab, lab.headscale().at("203.0.113.10"), way).meet_all(ABROAD);
}

#[test]
fn who_is_put_out_is_told_and_stays_out() {
    let Some(lab) = lab("heal put out") else { return };
    Site::new(&lab, Way { keyless: true, ..Way::default() }).meet_all(PUT_OUT);
}

#[test]
fn who_is_put_out_joins_again_where_that_is_wanted() {
    let Some(lab) = lab("heal rejoin") else { return };
    Site::new(&lab, Way { rejoins: true, ..Way::default() }).meet_all(REJOINED);
}
